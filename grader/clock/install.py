"""Everything that must be replaced in a process before a play can run in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .children import children_noted
from .locks import locks_on_clock
from .loop import loops_on_clock
from .patching import shared
from .pools import pools_on_clock
from .restarts import primitives_bound_anew
from .selecting import selectors_on_clock
from .sockets import sockets_on_clock
from .threads import threads_on_clock
from .virtual_time import virtual_time


@shared
@contextmanager
def clocks_installed() -> Iterator[None]:
    """Make time, threads, locks and new loops follow the clock of the play that uses them."""
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
