"""Locks on the loop's own thread: what blocks there blocks the loop, but not the clock.

`thread.join()`, `future.result()` and `queue.get()` all come down to acquiring a lock
that another thread will release. While the loop's thread waits for it, the other threads
of the play go on and time passes, as it does in life.
"""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .present import now_of, tell_of_block
from .replace import replaced

_Lock: Any = type(_thread.allocate_lock())
_real_acquire: Any = _Lock.acquire
_real_join = threading.Thread.join


SOON = 0.02
"""Real seconds in which a lock is let go that is only held by code, not over a wait."""


def _acquire(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
    if blocking and timeout != 0 and lock.locked() and _may_block_the_loop():
        if _real_acquire(lock, True, SOON):
            return True
        _block_until(lambda: not lock.locked(), "lock.acquire")
    return bool(_real_acquire(lock, blocking, timeout))


def _enter(lock: Any) -> bool:
    return _acquire(lock)


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    if timeout != 0 and thread.is_alive() and _may_block_the_loop():
        _block_until(lambda: getattr(thread, "left_clock", not thread.is_alive()), "thread.join")
    _real_join(thread, timeout)


def _may_block_the_loop() -> bool:
    clock = now_of()
    return clock is not None and clock.is_home() and not clock.at_work


def _block_until(ready: Callable[[], bool], what: str) -> None:
    clock = now_of()
    assert clock is not None
    start = clock.now
    with clock.working():
        clock.block_until(ready)
    if clock.now > start:
        tell_of_block(clock, what, start, on_loop=True)


@contextmanager
def locks_on_clock() -> Iterator[None]:
    """Let the other threads of a play go on while its loop's thread waits for a lock."""
    with (
        replaced(_Lock, acquire=_acquire, __enter__=_enter),
        replaced(threading.Thread, join=_join),
    ):
        yield
