"""For each id a small wrong program and the right one beside it."""

from __future__ import annotations

from .example import FACTORY, Example
from .examples import EXAMPLES

__all__ = ["EXAMPLES", "FACTORY", "Example"]
