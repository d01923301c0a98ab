"""What everyone waits for in a program that cannot go on, the wait that matters first."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Sequence
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from ..model.trace import Waiting
from .awaited import SHUTDOWN, frames_of
from .lines import Place
from .tasks import Tasks
from .waits import Watched

MOST_WAITS = 20
"""Waits that are reported."""

_REACH = 6
"""References from a task's callback to what it will wake, such as a queue's waiting reader."""

MOST_REACHED = 1_000
"""Objects after which the search among a callback's references is given up."""


class SuspendedTask(NamedTuple):
    """A task that is suspended in own code."""

    task: asyncio.Task[Any]
    watched: Watched
    place: Place


def waiting(tasks: Tasks, threads: Sequence[Waiting] = ()) -> tuple[Waiting, ...]:
    """Which tasks wait, and where. Those that wait for another task or for a client come last.

    Args:
        threads: where threads wait that work for tasks. They come before the tasks that wait
            for a thread.
    """
    waits = [
        SuspendedTask(task, watched, place)
        for task, watched in tasks.made.items()
        if (place := watched.place()) is not None and place.name != SHUTDOWN
    ]
    in_order = sorted(waits, key=lambda one: (one.place.is_for_server, _is_for_another(one, waits)))
    first = [one for one in in_order if not _is_held_up(one, waits, is_any_thread=bool(threads))]
    last = [one for one in in_order if one not in first]
    return (*map(_told, first), *threads, *map(_told, last))[:MOST_WAITS]


def _told(wait: SuspendedTask) -> Waiting:
    watched, place = wait.watched, wait.place
    return Waiting(watched.task_name, place.line, place.name, exchange=watched.exchange)


def _is_held_up(wait: SuspendedTask, waits: list[SuspendedTask], is_any_thread: bool) -> bool:
    """Whether a task waits for what something else does, which is waiting, too."""
    if wait.place.is_for_server or (is_any_thread and _is_for_thread(wait)):
        return True
    return _is_for_another(wait, waits)


def _is_for_thread(wait: SuspendedTask) -> bool:
    """Whether a task waits for a call in a worker thread, through asyncio or anyio."""
    callbacks = getattr(wait.task._fut_waiter, "_callbacks", None) or ()  # type: ignore[attr-defined]
    names = [frame.f_code.co_name for frame in frames_of(wait.place.awaited)]
    return "run_sync_in_worker_thread" in names or any(
        getattr(callback, "__qualname__", "").startswith("_chain_future")
        for callback, _ in callbacks
    )


def _is_for_another(wait: SuspendedTask, waits: list[SuspendedTask]) -> bool:
    return any(_will_wake(other, wait) for other in waits if other is not wait)


def _will_wake(other: SuspendedTask, wait: SuspendedTask) -> bool:
    """Whether a task waits for the end of another, or for what a library runs in that one."""
    waits_on = wait.task._fut_waiter  # type: ignore[attr-defined]
    if waits_on is other.task or other.watched.runs_for is wait.task:
        return True
    callbacks = [callback for callback, _ in other.task._callbacks or () if not _is_ours(callback)]
    return any(waits_on is reached for callback in callbacks for reached in _reach(callback))


def _is_ours(callback: Any) -> bool:
    return str(getattr(callback, "__module__", "")).startswith("grader.")


def _reach(root: Any) -> Iterator[Any]:
    """What a callback refers to, without the globals of its functions."""
    seen, found = {id(root)}, [root]
    for _ in range(_REACH):
        if len(seen) > MOST_REACHED:
            return
        inner = [one for each in found for one in _parts(each) if id(one) not in seen]
        seen.update(map(id, inner))
        yield from inner
        found = inner


def _parts(of: Any) -> list[Any]:
    if isinstance(of, FunctionType):
        return list(of.__closure__ or ())
    if isinstance(of, asyncio.Task | asyncio.AbstractEventLoop | type | ModuleType):
        return []
    return gc.get_referents(of)
