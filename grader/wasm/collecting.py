"""Garbage is collected only where it is asked for, and in whole generations.

When CPython 3.14 collects by itself, or the middle generation, it goes through the frames of all
threads. Some of those lie in memory that another stack has been given meanwhile.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

YOUNGEST, MIDDLE, ALL = range(3)

_collect: Callable[[int], int] = gc.collect


def collect(generation: int = ALL) -> int:
    """As `gc.collect`; the youngest generation stands for the middle one."""
    return _collect(YOUNGEST if generation == MIDDLE else generation)


def _enable() -> None:
    """It stays as it is."""


def install() -> None:
    """Collect nothing from now on unless it is asked for."""
    gc.disable()
    for name, function in (("collect", collect), ("enable", _enable)):
        setattr(gc, name, function)
