"""Everything that must be replaced in a process before a play can run in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from .children import children_noted
from .locks import locks_on_clock
from .loop import loops_on_clock
from .pools import pools_on_clock
from .restarts import primitives_bound_anew
from .selecting import selectors_on_clock
from .sockets import sockets_on_clock
from .threads import threads_on_clock
from .virtual_time import virtual_time


@contextmanager
def clocks_installed() -> Iterator[None]:
    """Make time, threads, locks and new loops follow the clock of the play that uses them.

    Nested and concurrent uses share one installation.
    """
    global _depth
    with _lock:
        _depth += 1
        if _depth == 1:
            _installed.enter_context(_everything())
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _installed.close()


_depth = 0
_lock = threading.Lock()
_installed = ExitStack()


@contextmanager
def _everything() -> Iterator[None]:
    with (
        virtual_time(),
        primitives_bound_anew(),
        threads_on_clock(),
        pools_on_clock(),
        loops_on_clock(),
        locks_on_clock(),
        sockets_on_clock(),
        selectors_on_clock(),
        children_noted(),
    ):
        yield
