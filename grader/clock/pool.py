"""Executors on the clock: work counts as outstanding from when a thread is free for it."""

from __future__ import annotations

import concurrent.futures
from collections import deque
from collections.abc import Callable
from typing import Any

from .clock import Actor, Clock
from .present import live_by

POOL_SIZE = 32
"""Threads of the default executor. asyncio takes `min(32, cpu count + 4)`; a play must
not depend on the machine, so it has the largest that asyncio would take."""


class Lane:
    """One thread pool: as many actors as it has threads, the rest in its own line."""

    def __init__(self, clock: Clock, size: int) -> None:
        self.clock = clock
        self.free = size
        self.line: deque[Actor] = deque()

    def enter(self) -> Actor:
        if self.free:
            self.free -= 1
            return self.clock.enlist()
        actor = Actor()
        self.line.append(actor)
        return actor

    def leave(self, actor: Actor) -> None:
        if actor in self.line:
            self.line.remove(actor)
            return
        if self.line:
            self.clock.line_up(self.line.popleft())
        else:
            self.free += 1
        self.clock.leave(actor)


class Lanes:
    """The executors that a loop has been given work for."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._default: concurrent.futures.ThreadPoolExecutor | None = None
        self._lanes: dict[int, Lane] = {}

    def submit(
        self, executor: concurrent.futures.Executor | None, func: Callable[..., Any], *args: Any
    ) -> tuple[concurrent.futures.Future[Any], Callable[[object], None]]:
        """Submit to an executor (None: the default one), on the clock.

        Returns:
            The future, and what to call when it is done. That must come after asyncio's
            own callback: the answer has to be on its way before the turn is given up.
        """
        pool = executor or self._default_pool()
        if not isinstance(pool, concurrent.futures.ThreadPoolExecutor):
            # Other processes compute in real time, so the clock is held while they do.
            self.clock.hold()
            return pool.submit(func, *args), lambda _: self.clock.release()
        lane = self._lanes.setdefault(id(pool), Lane(self.clock, pool._max_workers))
        actor = lane.enter()

        def work() -> Any:
            actor.await_turn()
            with live_by(self.clock, actor):
                return func(*args)

        return pool.submit(work), lambda _: lane.leave(actor)

    def shut_down(self) -> None:
        if self._default is not None:
            self._default.shutdown(wait=False, cancel_futures=True)

    def _default_pool(self) -> concurrent.futures.ThreadPoolExecutor:
        if self._default is None:
            self._default = concurrent.futures.ThreadPoolExecutor(
                POOL_SIZE, thread_name_prefix="asyncio"
            )
        return self._default
