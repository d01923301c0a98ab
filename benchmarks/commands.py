"""Commands that only read: how long a learner waits for them."""

from __future__ import annotations

from .processes import timed
from .results import Row, at_most

SECONDS = 0.25
COMMANDS = (("list",), ("next",), ("hint", "day53", "2", "--step", "1"), ("--help",))


def measure(short: bool) -> list[Row]:
    """Whole processes, from their start to their end, one command after the other."""
    runs: list[list[float]] = [[] for _ in COMMANDS]
    for _ in range(5 if short else 25):
        for values, words in zip(runs, COMMANDS, strict=True):
            values.append(timed("-m", "grader", *words))
    return [
        at_most(f"seconds of `grade {' '.join(words)}`", values, SECONDS)
        for values, words in zip(runs, COMMANDS, strict=True)
    ]
