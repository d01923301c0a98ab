"""Code that looks at the time again and again, and does nothing else until it has passed.

`while time.monotonic() < end: pass` would never end on a clock that stands still. So if a thread
has computed for long within one moment, and looks at the time all along, a bit of time passes.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model.trace import TICKS_PER_SECOND
from .real_time import thread_time

STEP = TICKS_PER_SECOND // 1000
"""Ticks that pass while a program does nothing but look whether they have passed."""

FEW, MANY = 16, 1024
"""Looks at the time after which it is asked whether a thread spins: if it did, and if not."""
LONG = 0.5
"""Seconds on a processor after which a thread that looks at the time within one moment spins."""

Moment = tuple[int, ...]
"""A thread, and within what it looks at the time."""


class Spinning:
    """Whether a thread of a play spins.

    Attributes:
        goes_on: whether it is known to, and some time has passed for it already.
    """

    def __init__(self) -> None:
        self._looks = 0
        self._moment: Moment = ()
        self._since = 0.0
        self.goes_on = False

    def look(self, moment: Callable[[], Moment]) -> bool:
        """Count a look at the time. Returns whether some has to pass for the thread to go on."""
        self._looks += 1
        if self._looks < (FEW if self.goes_on else MANY):
            return False
        self._looks = 0
        if self._moment != moment():
            self._moment, self._since, self.goes_on = moment(), thread_time(), False
            return False
        return self.goes_on or thread_time() - self._since > LONG

    def go_on(self, moment: Moment) -> None:
        """Some time has passed, and the thread looks again."""
        self._moment, self.goes_on = moment, True
