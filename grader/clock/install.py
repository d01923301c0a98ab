"""Everything that must be replaced in a process before a play can run in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .loop import loops_on_clock
from .present import virtual_time
from .threads import threads_on_clock


@contextmanager
def clocks_installed() -> Iterator[None]:
    """Make time, threads and new loops follow the clock of the play that uses them."""
    with virtual_time(), threads_on_clock(), loops_on_clock():
        yield
