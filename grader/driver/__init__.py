"""Drives an ASGI app through a scenario on the virtual clock, and records the trace."""

from .driver import run_play

__all__ = ["run_play"]
