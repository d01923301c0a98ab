"""Blocking waits on the clock: locks, and all that is made of them.

`event.wait()`, `future.result()`, `queue.get()` and `thread.join()` come down to acquiring
a lock that another thread will release. Where the loop's own thread waits for one, the
loop is blocked, while the other threads of the play go on and time passes, as in life.
Where another thread of the play does, it is parked until the lock is released, or until
the timeout that it gave is over on the clock.
"""

from __future__ import annotations

import _thread
import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .clock import Actor, Clock
from .current import current, report_block
from .patching import replaced
from .real_time import real_get, real_put

_Lock: Any = type(_thread.allocate_lock())
_real_acquire: Any = _Lock.acquire
_real_release: Any = _Lock.release
_real_join = threading.Thread.join

SOON = 0.002
"""Real seconds within which running code releases a lock, unless it waits while it holds it."""

_waiting: defaultdict[int, list[tuple[Clock, Actor]]] = defaultdict(list)
"""The threads that are parked for a lock, or for the end of a thread, by the `id` of that."""


def _acquire(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
    if not blocking or timeout == 0 or not lock.locked():
        return bool(_real_acquire(lock, blocking, timeout))
    clock, actor = current()
    if clock is None or not _is_waiting_for_the_clock(clock, actor):
        return bool(_real_acquire(lock, blocking, timeout))
    if _real_acquire(lock, True, SOON):
        return True
    deadline = None if timeout < 0 else clock.after(timeout)
    _wait(clock, actor, id(lock), lambda: not lock.locked(), deadline, "lock.acquire")
    if actor is None and deadline is None:
        # Only a thread that isn't part of the play could still release it.
        got_it = bool(_real_acquire(lock, True, clock.outside.patience))
        return got_it or clock.block_for_good("lock.acquire")
    return bool(_real_acquire(lock, deadline is None, -1))


def _release(lock: Any) -> None:
    _real_release(lock)
    wake_those_waiting_for(lock)


def _enter(lock: Any) -> bool:
    return _acquire(lock)


def _exit(lock: Any, *_: object) -> None:
    _release(lock)


def _join(thread: threading.Thread, timeout: float | None = None) -> None:
    clock, actor = current()
    end = _end_of(thread, actor)
    if end is None or clock is None or timeout == 0 or not _is_waiting_for_the_clock(clock, actor):
        _real_join(thread, timeout)
        return
    key, has_ended = end
    deadline = None if timeout is None else clock.after(timeout)
    _wait(clock, actor, key, has_ended, deadline, "thread.join")
    if actor is None and deadline is None and not has_ended():
        clock.block_for_good("thread.join")
    if has_ended():  # else the timeout came first
        with clock.working(actor):
            _real_join(thread)


def _end_of(thread: threading.Thread, actor: Actor | None) -> tuple[int, Callable[[], bool]] | None:
    """When a thread has nothing more to do in a play, and what wakes its waiters."""
    facts = vars(thread)
    if "left_clock" in facts:
        return id(thread), lambda: facts["left_clock"]
    if "has_run" in facts and actor is not None:
        return id(thread), lambda: facts["has_run"]
    lane = facts.get("lane")  # of a pool, whose threads end when its work is done
    return (id(lane), lane.is_idle) if lane is not None else None


def _get(items: Any, block: bool = True, timeout: float | None = None) -> Any:
    """`SimpleQueue.get`, which is written in C. Without a timeout, a thread waits there in C: it
    may be one of a library's that is given work in a later play."""
    clock, actor = current()
    waits = block and (timeout is None or timeout > 0) and items.empty()
    on_clock = clock is not None and (timeout is not None or actor is None)
    if not (waits and on_clock and clock and _is_waiting_for_the_clock(clock, actor)):
        return real_get(items, block, timeout)
    deadline = None if timeout is None else clock.after(timeout)
    _wait(clock, actor, id(items), lambda: not items.empty(), deadline, "queue.get")
    if deadline is None and items.empty():
        clock.block_for_good("queue.get")
    return real_get(items, False)


def _put(items: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
    real_put(items, item)
    wake_those_waiting_for(items)


def _is_waiting_for_the_clock(clock: Clock, actor: Actor | None) -> bool:
    """Whether a wait of the calling thread is one of the program's, not of the machinery's."""
    if clock.is_home():
        return not clock.at_work
    return actor is not None and not actor.at_work and clock.has_turn(actor)


def _wait(
    clock: Clock,
    actor: Actor | None,
    key: int,
    ready: Callable[[], bool],
    deadline: int | None,
    what: str,
) -> None:
    start = clock.now
    if actor is None:
        with clock.working():
            clock.block_until(ready, deadline)
    else:
        while not ready() and (deadline is None or clock.now < deadline):
            # A thread that isn't on the clock may bring it about at any moment: it wakes those
            # who stand in line, and who comes too late for that looks once more.
            actor.woken = False
            _waiting[key].append((clock, actor))
            try:
                if not ready():
                    clock.park(actor, deadline, unless_woken=True)
            finally:
                _leave_line(key, (clock, actor))
    if clock.now > start:
        report_block(clock, what, start, on_loop=actor is None)


def _leave_line(key: int, entry: tuple[Clock, Actor]) -> None:
    if entry in _waiting.get(key, ()):
        _waiting[key].remove(entry)
    if not _waiting.get(key):
        _waiting.pop(key, None)


def wake_those_waiting_for(thing: object) -> None:
    """A lock is free, or a thread is done: threads that are parked for it look again."""
    for clock, actor in tuple(_waiting.get(id(thing), ())):
        clock.wake(actor)


@contextmanager
def locks_on_clock() -> Iterator[None]:
    """Put the locks of every play on its clock; others are left alone."""
    with (
        replaced(_Lock, acquire=_acquire, release=_release, __enter__=_enter, __exit__=_exit),
        replaced(threading, _CRLock=None),  # the one in Python is made of locks
        replaced(threading.Thread, join=_join),
        replaced(queue.SimpleQueue, get=_get, put=_put, put_nowait=_put),
    ):
        yield
