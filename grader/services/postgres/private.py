"""What is used of psycopg that is not in its documentation, each with its reason.

Tried with psycopg 3.2 and 3.3, and psycopg_pool 3.2 and 3.3. `tests/test_postgres.py` says
when a name is no longer there, or means something else.
"""

from __future__ import annotations

import functools
import math
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ...clock import current_clock
from ...clock.current import report_block
from ...clock.hosts import Host
from ...clock.patching import replaced
from ...clock.sockets import host_at, wait_until_readable
from ..base.importing import on_import


@contextmanager
def psycopg_on_clock() -> Iterator[None]:
    """Let psycopg live by the clock of a play, also if it is only imported meanwhile."""
    changes = {"psycopg.waiting": _waits_on_clock, "psycopg_pool.base": _pools_from_first_tick}
    with ExitStack() as stack, on_import(changes, stack):
        yield


# `psycopg.waiting` has the functions with which a connection that is not async waits for the
# server: `wait`, which is written in C, `wait_conn`, and `wait_selector`, which does in Python
# what `wait` does. Both of the latter wait with the module's `DefaultSelector`. A thread that
# sleeps in C cannot be seen by the clock, and keeps the loop's thread from the relay.


@contextmanager
def _waits_on_clock(waiting: Any) -> Iterator[None]:
    wait = _reported(waiting.wait_selector)
    wait_conn = _reported(waiting.wait_conn, always=True)
    wait_async = _without_looks(waiting.wait_async)
    with replaced(
        waiting,
        DefaultSelector=SelectorOnClock,
        wait=wait,
        wait_conn=wait_conn,
        wait_async=wait_async,
    ):
        yield


def _without_looks(wait_async: Callable[..., Any]) -> Callable[..., Any]:
    """psycopg's wait in a coroutine, without its look for Ctrl-C ten times a second.

    A statement that waits for a lock for ever is stuck then, and does not run for ten minutes.
    """

    @functools.wraps(wait_async)
    async def wait(*args: Any, **options: Any) -> Any:
        if current_clock() is not None and "interval" in options:
            options["interval"] = math.inf
        return await wait_async(*args, **options)

    return wait


_real_select = selectors.DefaultSelector.select


class SelectorOnClock(selectors.DefaultSelector):
    """A selector for one socket, which waits by the clock if it leads to a host of the play."""

    def select(self, timeout: float | None = None) -> Any:
        [descriptor] = (key.fd for key in self.get_map().values())
        host = _host_behind(descriptor)
        if host is None or timeout == 0:
            return _real_select(self, timeout)
        host.note(descriptor)
        wait_until_readable(self.fileno(), timeout)
        return _real_select(self, 0) or self._nothing()

    def _nothing(self) -> list[Any]:
        """Nothing has come. Psycopg would look ten times a second for ever, though time is up."""
        clock = current_clock()
        if clock is not None and clock.is_over():
            raise TimeoutError("the play is over")
        return []


def _host_behind(descriptor: int) -> Host | None:
    borrowed = socket.socket(fileno=descriptor)
    try:
        return host_at(borrowed.getpeername())
    except OSError:  # it is not connected yet
        return None
    finally:
        borrowed.detach()


def _reported(wait: Callable[..., Any], always: bool = False) -> Callable[..., Any]:
    """A waiting function that reports how long it has blocked its thread.

    Args:
        always: also where it has taken no time and has blocked the loop. In life it does take
            some: so a driver that blocks is known where a scenario's database takes none.
    """

    @functools.wraps(wait)
    def reported(*args: Any, **options: Any) -> Any:
        clock = current_clock()
        if clock is None:
            return wait(*args, **options)
        start, on_loop = clock.now, clock.is_home()
        try:
            return wait(*args, **options)
        finally:
            if clock.now > start or (always and on_loop):
                report_block(clock, "psycopg", start, on_loop)

    return reported


# A psycopg pool throws away a connection that is not younger than its last `drain()`, and notes
# the moment 0 in `_drained_at` where there was none. Outside of a play it never is 0.


@contextmanager
def _pools_from_first_tick(pools: Any) -> Iterator[None]:
    make = pools.BasePool.__init__

    @functools.wraps(make)
    def make_undrained(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        if getattr(self, "_drained_at", None) == 0.0:
            self._drained_at = -1.0

    with replaced(pools.BasePool, __init__=make_undrained):
        yield
