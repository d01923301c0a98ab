"""How a player lets the judge know that the learner's code isn't what takes its time.

A player that has done nothing for seconds is taken to be blocked for good, and one that has
computed for seconds to be in an endless loop. One that waits for a database to be made does
nothing either, and one that imports a big package computes. So it changes its name, which the
kernel shows beside its CPU time; where that file doesn't exist, it reports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

AWAITS_SERVICE, IMPORTS = "awaits service", "imports package"
"""At most 15 characters: the kernel keeps no more of a name."""

_NAME = Path("/proc/self/comm")


def rename(name: str) -> str:
    """Call this process `name`, where the kernel can show it.

    Returns:
        What it was called before.
    """
    with suppress(OSError):
        before = _NAME.read_text().removesuffix("\n")  # which the kernel adds
        _NAME.write_text(name)
        return before
    return name


@contextmanager
def for_service() -> Iterator[None]:
    """While this process waits for a service."""
    before = rename(AWAITS_SERVICE)
    try:
        yield
    finally:
        rename(before)
