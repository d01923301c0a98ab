"""How a player lets the judge know that it waits for a service, not for the learner's code.

A player that has done nothing for seconds is taken to be blocked for good. One that waits for
a database to be made does nothing either. So it changes its name, which the kernel shows
beside its CPU time; where that file doesn't exist, it reports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SIGN = "awaits service"
"""At most 15 characters: the kernel keeps no more of a name."""

_NAME = Path("/proc/self/comm")


@contextmanager
def for_service() -> Iterator[None]:
    """While this process waits for a service."""
    name = "python"
    with suppress(OSError):
        name = _NAME.read_text().removesuffix("\n")  # which the kernel adds
        _NAME.write_text(SIGN)
    try:
        yield
    finally:
        with suppress(OSError):
            _NAME.write_text(name)
