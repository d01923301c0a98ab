"""Programs that stand alone, as in a lesson's text: each runs on a clock of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from .clock import Clock
from .current import use_clock
from .install import clocks_installed

_MAKES_A_CLOCK = re.compile(
    r"^from grader import .*\b(explore|play|run|virtual_time)\b", re.MULTILINE
)


@contextmanager
def clock_of_program(source: str) -> Iterator[None]:
    """Give a program a clock of its own, unless it makes one itself, as `play` does.

    A play has its own clock and thread. On an outer clock that thread would wait for a turn for
    ever, because the one that joins it never gives up its own.
    """
    if _MAKES_A_CLOCK.search(source):
        yield
        return
    with clocks_installed(), use_clock(Clock()):
        yield
