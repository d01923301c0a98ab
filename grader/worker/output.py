"""What the learner's code prints: captured up to a bound, and no further than another."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

from ..driver.recorder import sendable

KEPT = 16_000
"""Characters of a play's output that are kept."""
FLOOD = 4_000_000
"""Characters after which printing has become a flood."""


class Capture(io.TextIOBase):
    """Stands for stdout and stderr.

    Args:
        on_flood: called when more than `FLOOD` characters have come in one play.
    """

    encoding = "utf-8"

    def __init__(self, on_flood: Callable[[], None]) -> None:
        self._on_flood = on_flood
        self.start()

    def start(self) -> None:
        """Forget what has been printed so far."""
        self._kept: list[str] = []
        self._room = KEPT
        self._total = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text = str(text)
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)
        self._total += len(text)
        if self._total > FLOOD:
            self._on_flood()
        return len(text)

    def text(self) -> str:
        return sendable("".join(self._kept))


def move_standard_streams(capture: Capture) -> None:
    """Give the process no input, and let what it prints go to `capture`.

    What is written past Python, to the file descriptors themselves, goes nowhere.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, capture)
