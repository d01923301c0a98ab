"""The axis of a picture: seconds to places, with long stretches of nothing cut out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Stretch = tuple[float, float]

LONG = 0.15
"""The part of the whole from which on a stretch of nothing is cut out."""
KEPT = 0.06
"""What is left of it, as a part of what is drawn."""
TINY = 1e-9


def idle(busy: Iterable[Stretch], length: float) -> tuple[Stretch, ...]:
    """The long stretches before, between and after those in which something happens."""
    found, until = [], 0.0
    for start, end in [*sorted(busy), (length, length)]:
        if start - until > LONG * length:
            found.append((until, start))
        until = max(until, end)
    return tuple(found)


class Axis:
    """From 0 to `length` seconds, but for the `cuts`. A place is in seconds that are drawn."""

    def __init__(self, length: float, cuts: tuple[Stretch, ...] = ()) -> None:
        self._length = length or 1.0
        self._cuts = cuts
        drawn = self._length - sum(end - start for start, end in cuts)
        self._kept = KEPT * (drawn or self._length)  # of nothing but moments, all is cut out
        self.size = drawn + self._kept * len(cuts)

    def place(self, seconds: float) -> float:
        """Where a moment is drawn."""
        place = seconds
        for start, end in self._cuts:
            if seconds > start:
                part = min(1.0, (seconds - start) / (end - start))
                place -= min(seconds, end) - start - part * self._kept
        return place

    def breaks(self) -> Iterator[float]:
        """The places in the middle of what is cut out."""
        for start, _ in self._cuts:
            yield self.place(start) + self._kept / 2

    def ticks(self, least: float) -> Iterator[float]:
        """Moments to be named, of which no two are drawn less than `least` apart: the first of
        each stretch, and round ones."""
        until = -least
        for seconds in self._worth_naming(round_step(least)):
            place = self.place(seconds)
            if place - until >= least - TINY:
                until = place
                yield seconds

    def _worth_naming(self, step: float) -> Iterator[float]:
        for start, end in self._stretches():
            yield start
            for number in range(int(start / step) + 1, int(end / step + TINY) + 1):
                if self._is_free(number * step, step):
                    yield number * step

    def _stretches(self) -> Iterator[Stretch]:
        start = 0.0
        for cut in self._cuts:
            yield start, cut[0]
            start = cut[1]
        yield start, self._length

    def _is_free(self, seconds: float, step: float) -> bool:
        """Whether there is room before the moment at which the next stretch begins."""
        return all(
            seconds > start or self.place(end) - self.place(seconds) >= step
            for start, end in self._cuts
        )


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (or 0.5, 0.2, 0.1, …) that is not below `least`."""
    magnitude = 1.0
    while magnitude > least:
        magnitude /= 10
    while magnitude * 10 <= least:
        magnitude *= 10
    return next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= least)
