"""An app that is played again is like a server that is started again.

In life that would be a new process. Here the app's module stays, and so does what it holds at
module level: an `asyncio.Lock` is bound to the loop of the play before, and a thread that a
library has started then still waits for work. The loop is closed for good, so nothing
else can hold the lock: it is bound anew. The thread takes part in the play that gives it work.
"""

from __future__ import annotations

import asyncio
import inspect
from asyncio import mixins
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .clock import Clock
from .current import clocks, current_clock
from .patching import replaced

_LoopBound: Any = mixins._LoopBoundMixin
_real_get_loop = _LoopBound._get_loop


def _get_loop(primitive: Any) -> asyncio.AbstractEventLoop:
    """The loop that a lock, an event or a queue is bound to."""
    former = primitive._loop
    if former is not None and former.is_closed() and current_clock() is not None:
        primitive._loop = None
    loop: asyncio.AbstractEventLoop = _real_get_loop(primitive)
    return loop


@contextmanager
def primitives_bound_anew() -> Iterator[None]:
    """Let plays use the locks, events and queues that are bound to a closed loop."""
    with replaced(_LoopBound, _get_loop=_get_loop):
        yield


def unwind(
    loop: asyncio.AbstractEventLoop, coroutines_in: Callable[[Any], Iterable[Any]] = lambda _: ()
) -> None:
    """Let tasks that will never go on give back what they hold, as if they were cancelled.

    Otherwise a lock at module level would stay with a task of a play that is over. Nothing is
    awaited any more, so a task that is made meanwhile, to close something, is never begun.

    Args:
        coroutines_in: the coroutines that a suspended one awaits, the innermost first. An async
            generator between two of them doesn't hand on that the outer one is closed.
    """
    asyncio._set_running_loop(loop)
    unwound: set[asyncio.Task[Any]] = set()
    while left := asyncio.all_tasks(loop) - unwound:
        for task in left:
            _enter_task(loop, task)  # some locks ask which task gives them back
            _unwind(task, coroutines_in)
            _leave_task(loop, task)
        unwound |= left
    asyncio._set_running_loop(None)


def _unwind(task: asyncio.Task[Any], coroutines_in: Callable[[Any], Iterable[Any]]) -> None:
    coroutine: Any = task.get_coro()
    waiter = getattr(task, "_fut_waiter", None)
    if waiter is not None:
        waiter.cancel()
    if inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED:
        with suppress(BaseException):
            coroutine.throw(asyncio.CancelledError())
    for each in (*coroutines_in(coroutine), coroutine):
        with suppress(BaseException):
            each.close()


def take_over_threads(clock: Clock) -> None:
    """Let threads that earlier plays have left waiting in C take part in the play of `clock`."""
    for ident, (former, actor) in tuple(clocks.items()):
        if former.is_finished and actor is not None and actor.aside:
            clocks[ident] = clock, actor
            clock.take_over(actor)
