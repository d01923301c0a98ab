"""Finds the tasks that nothing will hold on to, so that they may be collected at any time."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from functools import partial
from types import BuiltinMethodType, FrameType, MethodType
from typing import Any

from .ownership import is_kit
from .recorder import Recorder
from .tasks import OwnTask, Tasks
from .waits import Watched

MOST_LOOKS = 50
"""Tasks that are looked at in one play: those that one line makes for exchanges, and all those that
are made outside of any. A look takes some ms, which would count as the user's own computing."""


class References:
    """Looks at the tasks that own code made: when their exchange is over, or at once.

    Args:
        when_at_rest: has a function called when all is done that can be done now.
    """

    def __init__(
        self,
        tasks: Tasks,
        recorder: Recorder,
        when_at_rest: Callable[[Callable[[], object]], object],
    ) -> None:
        self._tasks = tasks
        self._recorder = recorder
        self._when_at_rest = when_at_rest
        self._over: set[int] = set()
        self._looks_left = MOST_LOOKS
        self._looks_at = Counter[int | None]()
        tasks.when_made = self._note_made

    def _note_made(self, name: str, exchange: int | None) -> None:
        """A task was made; outside of an exchange no later moment is better than now."""
        if self._looks_left and (exchange is None or exchange in self._over):
            self._looks_left -= 1
            self._when_at_rest(partial(self._look_at_one, name))

    def _look_at_one(self, name: str) -> None:
        """Look at the task of that name: to keep the task itself until now would hold it."""
        self._look_at([own for own in self._tasks.own() if own.watched.task_name == name])

    def end_exchange(self, number: int) -> None:
        """An exchange is over, with the variables of its endpoint."""
        if self._recorder.ended is not None:  # it is only the play that is broken off
            return
        self._over.add(number)
        self._look_at([own for own in self._tasks.own() if own.exchange == number])

    def _look_at(self, owns: list[OwnTask]) -> None:
        pending = [own for own in owns if own.is_direct and not own.task.cancelling()]
        for own in pending:
            self._looks_at[own.line] += 1
            if self._looks_at[own.line] > MOST_LOOKS:
                continue
            ours = {*map(id, self._tasks.tables()), id(owns), id(pending), *map(id, pending)}
            with self._recorder.looking():
                held = is_held(own.task, own.watched, ours)
            if not held:
                self._recorder.incident(
                    "task-unreferenced", line=own.line, detail=own.name, exchange=own.exchange
                )


def is_held(task: asyncio.Task[Any], watched: Watched, ours: set[int]) -> bool:
    """Whether something that will last refers to a task, so that it cannot be collected.

    Args:
        ours: the ids of the objects of the driver's own that refer to it.
    """
    itself = {id(watched), id(watched.wrapped), id(watched.cr_frame)}
    return any(
        id(referrer) not in itself | ours and _lasts(referrer)
        for referrer in gc.get_referrers(task)
    )


def _lasts(referrer: Any) -> bool:
    """Whether a referrer is more than the machinery that wakes a task up."""
    if isinstance(referrer, FrameType):
        return not is_kit(referrer.f_code.co_filename)
    kind = type(referrer)
    if kind.__name__ == "FutureIter":  # it is awaited
        return True
    machinery = kind.__name__.startswith(("TaskStep", "TaskWakeup")) or kind.__module__.startswith(
        ("asyncio", "_asyncio", "anyio", "grader")
    )
    return not machinery and not isinstance(referrer, BuiltinMethodType | MethodType | Context)
