"""Threads on the clock: anyio's workers, and the ones that the learner's code starts.

anyio gives a function to a worker thread only after its limiter has let it in, so work
counts as outstanding from the moment it is put in the worker's queue: the 41st request
must not hold the clock while it waits for a place.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import thread as executor_threads
from contextlib import ExitStack, contextmanager, nullcontext
from queue import Queue
from typing import Any

from anyio._backends import _asyncio as anyio_backend

from .clock import Actor, Clock, PlayOver
from .current import current, current_clock, use_clock
from .locks import wake_those_waiting_for
from .patching import replaced
from .pools import lane_of_submission

_AnyioWorker = anyio_backend.WorkerThread
_real_init = threading.Thread.__init__
_real_start = threading.Thread.start


class TurnQueue(Queue[Any]):
    """A worker's queue. What is put in it is in line for a turn until it is done.

    It is done when the worker asks for more: only then has it forgotten the result. If that is
    a coroutine that is never awaited, the play still has to learn of it.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.actors: deque[Actor] = deque()
        self.present = ExitStack()

    def put_nowait(self, item: Any) -> None:
        if item is not None:
            self.actors.append(self.clock.enlist())
        with self.clock.working(current()[1]):
            super().put_nowait(item)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self.present.close()
        item = super().get(block, timeout)
        if item is not None:
            actor = self.actors.popleft()
            try:
                self.clock.await_turn(actor)
            except PlayOver:
                return None  # which ends the worker
            self.present.callback(self.clock.leave, actor)
            self.present.enter_context(use_clock(self.clock, actor))
        return item


class ClockedWorker(_AnyioWorker):
    """anyio's worker thread, on the clock of the loop that made it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.daemon = True
        if clock := current_clock():
            self.queue = TurnQueue(clock)


def _init(thread: threading.Thread, *args: Any, daemon: bool | None = None, **options: Any) -> None:
    """Make a thread. It is a daemon if the one that makes it is, as the play's code sees that."""
    if daemon is None and current_clock() is not None:
        daemon = getattr(threading.current_thread(), "is_daemon_to_play", False)
    _real_init(thread, *args, daemon=daemon, **options)


def _start(thread: threading.Thread) -> None:
    """Start a thread; one that the play's code makes is in line for a turn until it ends."""
    clock = current_clock()
    target = getattr(thread, "_target", None)
    if clock is None or isinstance(thread, _AnyioWorker):
        _start_at_work(thread)
        return
    if _waits_for_processes(thread):
        _tell_end(thread)
        _start_at_work(thread)
        return
    thread.is_daemon_to_play = is_daemon = thread.daemon  # type: ignore[attr-defined]
    thread.daemon = True  # whatever it does, it must not outlive its play
    if target is getattr(executor_threads, "_worker", None):
        thread.lane = lane_of_submission()  # type: ignore[attr-defined]
    else:
        _put_on_clock(thread, clock)
        if not is_daemon:
            clock.before_exit.append(lambda: bool(getattr(thread, "left_clock", False)))
    _start_at_work(thread)


def _waits_for_processes(thread: threading.Thread) -> bool:
    """Whether a library waits in it, in real time, for what other processes do."""
    facts: Any = vars(thread)
    target, given = facts.get("_target"), facts.get("_args", ())
    # By its module: what the class is called differs between versions of Python.
    is_asyncios = getattr(target, "__module__", None) == "asyncio.unix_events"
    queues: Any = sys.modules.get("multiprocessing.queues")  # which a pool of processes is asked by
    is_a_pools = queues and any(isinstance(one, queues.SimpleQueue) for one in given)
    return is_asyncios or is_a_pools or type(thread).__module__.startswith("concurrent.")


def _tell_end(thread: threading.Thread) -> None:
    """Let a play's thread that joins one that isn't on the clock be woken by its end. The lock
    that it would wait at otherwise is let go in C, which wakes nobody who is parked."""
    run = thread.run
    thread.has_run = False  # type: ignore[attr-defined]

    def run_and_tell() -> None:
        try:
            run()
        finally:
            thread.has_run = True  # type: ignore[attr-defined]
            wake_those_waiting_for(thread)

    thread.run = run_and_tell  # type: ignore[method-assign]


def _start_at_work(thread: threading.Thread) -> None:
    """Starting a thread waits for its first sign of life, which doesn't count as blocking."""
    clock, actor = current()
    with clock.working(actor) if clock is not None else nullcontext():
        _real_start(thread)


def _put_on_clock(thread: threading.Thread, clock: Clock) -> None:
    actor, run, last = clock.enlist(), thread.run, clock
    thread.left_clock = False  # type: ignore[attr-defined]

    def run_in_turn() -> None:
        nonlocal last
        try:
            clock.await_turn(actor)
            with use_clock(clock, actor):
                try:
                    run()
                finally:
                    last = current_clock() or clock  # a later play may have taken it over
        except PlayOver:
            pass
        finally:
            thread.left_clock = True  # type: ignore[attr-defined]
            wake_those_waiting_for(thread)
            last.leave(actor)

    thread.run = run_in_turn  # type: ignore[method-assign]


def start_in_real_time(thread: threading.Thread) -> None:
    """Start a thread that isn't part of the caller's play, if there is one."""
    _real_start(thread)


@contextmanager
def threads_on_clock() -> Iterator[None]:
    """Put the threads of every play on its clock; other threads are left alone."""
    with (
        replaced(anyio_backend, WorkerThread=ClockedWorker),
        replaced(threading.Thread, __init__=_init, start=_start),
    ):
        yield
