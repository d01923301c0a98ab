"""Drives an ASGI app through a scenario on the virtual clock, and records the trace."""

from .driver import run_play
from .play import play

__all__ = ["play", "run_play"]
