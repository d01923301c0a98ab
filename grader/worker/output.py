"""What the learner's code prints: captured up to a bound, and no further than another."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from time import process_time

from ..driver.recorder import sendable
from ..processes.limits import OUTPUT

KEPT = 16_000
"""Characters of a play's output that are kept."""
MUCH = OUTPUT // 8
"""Characters after which a program that goes on and on is told that it prints and prints."""


class Capture(io.TextIOBase):
    """Stands for stdout and stderr.

    Args:
        on_flood: called when more than `OUTPUT` characters have come in one play.
        line_now: the own line that is running.

    Attributes:
        much_at: the line that had printed more than `MUCH` characters; None until then.
    """

    encoding = "utf-8"

    def __init__(
        self, on_flood: Callable[[], None], line_now: Callable[[], int | None] = lambda: None
    ) -> None:
        self._on_flood = on_flood
        self._line_now = line_now
        self.start()

    def start(self) -> None:
        """Forget what has been printed so far."""
        self._kept: list[str] = []
        self._room = KEPT
        self._total = 0
        self.much_at: int | None = None
        self._last_at = 0.0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        text = str(text)
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)
        if self._total <= MUCH < self._total + len(text):
            self.much_at = self._line_now()
        self._total += len(text)
        self._last_at = process_time()
        if self._total > OUTPUT:
            self._on_flood()
        return len(text)

    def goes_on(self, within: float) -> bool:
        """Whether more than `MUCH` characters have come, the last of them so many CPU seconds ago
        at most."""
        return self._total > MUCH and process_time() - self._last_at <= within

    @property
    def left_out(self) -> int:
        """Characters that came and were not kept."""
        return max(0, self._total - KEPT)

    def text(self) -> str:
        return sendable("".join(self._kept))


def empty_sink() -> None:
    """Forget what has been written past Python."""
    with suppress(OSError):
        os.ftruncate(1, 0)
        os.lseek(1, 0, os.SEEK_SET)


def is_sink_flooded() -> bool:
    """Whether more than `OUTPUT` bytes have been written past Python."""
    with suppress(OSError):
        return os.fstat(1).st_size > OUTPUT
    return False


def move_standard_streams(capture: Capture) -> None:
    """Give the process no input, and let what it prints go to `capture`.

    What is written past Python, to the file descriptors themselves, is not kept. Where the
    platform has files without a name it goes to one, so that the limit on files holds.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    sink = os.memfd_create("output") if hasattr(os, "memfd_create") else os.dup(nowhere)
    for descriptor, target in ((0, nowhere), (1, sink), (2, sink)):
        os.dup2(target, descriptor)
    os.close(nowhere)
    os.close(sink)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        setattr(sys, name, capture)
