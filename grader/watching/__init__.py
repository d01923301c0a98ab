"""Watch mode: grades what is saved, as it is saved."""

from __future__ import annotations

from .command import watch

__all__ = ["watch"]
