"""Thread pools on the clock: work counts as outstanding from when a thread is free for it.

Work that waits in a pool's own line must not hold the clock, or the hundredth call would
stop time for the first.
"""

from __future__ import annotations

import concurrent.futures
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from concurrent.futures import thread as pools
from contextlib import contextmanager, nullcontext
from typing import Any

from .clock import Actor, Clock, PlayOver
from .current import current, use_clock
from .locks import wake_those_waiting_for
from .patching import replaced
from .real_time import RealLock

POOL_SIZE = 32
"""Threads of the default executor. asyncio takes `min(32, cpu count + 4)`; a play must
not depend on the machine, so it has the largest that asyncio would take."""

_RealItem: Any = pools._WorkItem
_real_submit = concurrent.futures.ThreadPoolExecutor.submit


class PoolLine:
    """One thread pool: as many actors as it has threads, the rest in its own line."""

    def __init__(self, clock: Clock, size: int) -> None:
        self.clock = clock
        self._size = self._free = size
        self._line: deque[Actor] = deque()
        self._lock = RealLock()

    def enter(self) -> Actor:
        with self._lock:
            if self._free:
                self._free -= 1
                return self.clock.enlist()
            self._line.append(Actor())
            return self._line[-1]

    def is_idle(self) -> bool:
        """Whether there is nothing left to do."""
        with self._lock:
            return self._free == self._size and not self._line

    def leave(self, actor: Actor) -> None:
        with self._lock:
            if self._line:
                self.clock.line_up(self._line.popleft())
            else:
                self._free += 1
        wake_those_waiting_for(self)
        self.clock.leave(actor)


_lanes: weakref.WeakKeyDictionary[Any, PoolLine] = weakref.WeakKeyDictionary()
_submitting = threading.local()


def lane_of_submission() -> PoolLine | None:
    """The lane of the pool that the calling thread is submitting work to just now."""
    lane: PoolLine | None = getattr(_submitting, "lane", None)
    return lane


class ClockedItem(_RealItem):  # type: ignore[misc]
    """A piece of work in a pool's queue; a thread that takes it waits for its turn first."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._lane = lane_of_submission()
        self._actor = self._lane.enter() if self._lane else None

    def run(self, *args: Any) -> None:
        if self._lane is None or self._actor is None:
            super().run(*args)
            return
        try:
            self._lane.clock.await_turn(self._actor)
            with use_clock(self._lane.clock, self._actor):
                super().run(*args)
        except PlayOver:
            pass
        finally:
            self.future = None  # this thread may forget the result later than the play ends
            self._lane.leave(self._actor)


def _submit(
    pool: concurrent.futures.ThreadPoolExecutor, /, *args: Any, **kwargs: Any
) -> concurrent.futures.Future[Any]:
    clock, actor = current()
    if clock is not None:
        lane = _lanes.get(pool)
        if lane is None or lane.clock is not clock:  # it has outlived the play before
            lane = _lanes[pool] = PoolLine(clock, pool._max_workers)
            clock.before_exit.append(lane.is_idle)
        _submitting.lane = lane
    try:
        with clock.working(actor) if clock is not None else nullcontext():
            return _real_submit(pool, *args, **kwargs)
    finally:
        _submitting.lane = None


@contextmanager
def pools_on_clock() -> Iterator[None]:
    """Put the thread pools of every play on its clock; others are left alone."""
    with (
        replaced(concurrent.futures.ThreadPoolExecutor, submit=_submit),
        replaced(pools, _WorkItem=ClockedItem),
    ):
        yield
