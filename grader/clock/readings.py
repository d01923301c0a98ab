"""What a clock shows: a float that never shows less time than has passed.

Ticks are exact, and floats are not. Near 1.7e9, as `time.time()` has it, they lie a quarter
of a microsecond apart; and 1.2 - 1.1 is less than 0.1. With each reading rounded to the
nearest float, a sleep of 0.1 s would seem to have taken 0.0999999 s, and a program that
sleeps until a deadline would find it still to come, again and again. No real clock does
that, because a real sleep takes a bit longer than was asked. So a reading after a wait is
rounded up as far as the one before it needs.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque

from ..model.trace import to_seconds

LAST_FEW = 8
LAST_WAITS = 256

OVERRUN = 5e-7
"""Seconds, less than a tick and more than what floats near 1.7e9 can tell apart."""


class Readings:
    """The readings of one clock.

    Args:
        origin: what it shows when the play begins, in ticks.
    """

    def __init__(self, origin: int = 0) -> None:
        self.origin = origin
        self._least = 0, 0.0
        self._overrun = -1, ""
        # Code that compares two readings has taken both. So that a library's don't change those of
        # the user's code, each source file is a reader of its own. As each reading follows from
        # those before it, the last few stand for all.
        self._shown: defaultdict[str, deque[tuple[int, float]]] = defaultdict(
            lambda: deque(maxlen=LAST_FEW)
        )
        self._waits: deque[tuple[int, int]] = deque(maxlen=LAST_WAITS)

    def at(self, tick: int, reader: str) -> float:
        """What the clock shows, in seconds, at a tick of the play.

        Args:
            reader: the file of the code that looks at it.
        """
        if self._overrun == (tick, reader):
            return to_seconds(self.origin + tick) + OVERRUN
        before = self._shown[reader]
        if not before or before[-1][0] != tick or self._least[0] == tick:
            before.append((tick, self._read(tick, before)))
        return before[-1][1]

    def _read(self, tick: int, before: deque[tuple[int, float]]) -> float:
        reading = to_seconds(self.origin + tick)
        if self._least[0] == tick:
            reading = max(reading, self._least[1])
        for then, shown in before:
            passed = to_seconds(tick - then)
            if (then, tick) in self._waits:
                reading = max(reading, shown + passed)
                while reading - shown < passed:
                    reading = math.nextafter(reading, math.inf)
        return reading

    def wait(self, seconds: float, start: int, end: int) -> None:
        """A wait of so many seconds begins, and the clock must show it when it is over.

        What is left until a deadline can be no more than what floats add to a sum. It takes no
        tick, and the code that has waited for it must see it gone.
        """
        self._waits.append((start, end))
        if seconds > 0 and start == end:
            now = [shown[-1][1] for shown in self._shown.values() if shown[-1][0] == end]
            if now:
                self._least = end, math.nextafter(max(now) + seconds, math.inf)

    def overrun(self, tick: int, reader: str) -> None:
        """A wait of this reader's is over, and it is shown a bit more than that, as in life.

        Libraries that wait until a deadline wait again until it is shown more than that.
        """
        self._overrun = tick, reader
