"""Sees every wait of every task: where it began, what for, and how it ended.

A task is given its coroutine in a wrapper that passes everything on, and looks at the
coroutine each time it suspends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from itertools import count
from typing import Any

from ..model.trace import Ending
from .lines import Place
from .recorder import Open, Recorder, current_exchange


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine that tells a recorder of its waits. Stands for the one it wraps."""

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        name: str,
        made_at: int | None,
        recorder: Recorder,
    ) -> None:
        self.wrapped = coroutine
        self._recorder = recorder
        self._wait: Open | None = None
        self._place: Place | None = None
        self.task_name = name
        self.made_at = made_at
        self.exchange: int | None = None

    def send(self, value: Any) -> Any:
        return self._run("done", self.wrapped.send, value)

    def throw(self, *error: Any) -> Any:
        cancelled = (
            isinstance(error[0], asyncio.CancelledError) or error[0] is asyncio.CancelledError
        )
        return self._run("cancelled" if cancelled else "failed", self.wrapped.throw, *error)

    def close(self) -> None:
        self.wrapped.close()

    def _run(self, how: Any, step: Callable[..., Any], *args: Any) -> Any:
        if how == "cancelled":
            return self._run_cancelled(step, *args)
        if self._wait is not None:
            self._recorder.end(self._wait, how)
        return self._step(step, *args)

    def _run_cancelled(self, step: Callable[..., Any], *args: Any) -> Any:
        """A library may have cancelled a wait of its own, as anyio does when the first of two
        connections is there: then own code still awaits what it awaited before."""
        before, resumed = self._wait, self._recorder.moment()
        how: Ending = "cancelled"
        awaited = self._place.awaited if self._place else None
        try:
            result = self._step(step, *args)
            if awaited is not None and self._place and self._place.awaited is awaited:
                how = "done"
        finally:
            if before is not None:
                self._recorder.end(before, how, at=resumed)
        return result

    def _step(self, step: Callable[..., Any], *args: Any) -> Any:
        self._wait = self._place = None
        self._recorder.last_resumed = self
        awaited = step(*args)
        self.exchange = current_exchange.get()
        self._note_wait(is_turn=awaited is None)
        return awaited

    def _note_wait(self, is_turn: bool) -> None:
        """Begin a span, unless it yielded nothing: that only gives others a turn."""
        where = self._place = self.place()
        self._recorder.last_own_line = where.line if where else None
        if where is not None and not is_turn:
            self._wait = self._recorder.begin(
                "wait", where.name, line=where.line, task=self.task_name
            )

    def place(self) -> Place | None:
        """The own line at which it is suspended, and what it waits for there."""
        return self._recorder.lines.of_wait(self.wrapped)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.wrapped.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)


class Tasks:
    """The task factory of a play, and the tasks that own code made."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.made: dict[asyncio.Task[Any], Watched] = {}
        self._own: dict[asyncio.Task[Any], Open] = {}
        self._serial = count(1)

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        if not asyncio.iscoroutine(coroutine):  # asyncio says what is wrong, and where
            return asyncio.Task(coroutine, loop=loop, **options)
        name = f"task {next(self._serial)}"
        line = self.recorder.lines.of_stack()
        watched = Watched(coroutine, name, line, self.recorder)
        span = None
        if line is not None:
            qualname = getattr(coroutine, "__qualname__", type(coroutine).__name__)
            span = self.recorder.begin(
                "task", qualname.rpartition(".<locals>.")[2], line=line, task=name
            )
        task = asyncio.Task(watched, loop=loop, **options)
        if not task.done():
            self.made[task] = watched
            if span is not None:
                self._own[task] = span
            task.add_done_callback(self._ended)
        elif span is not None:  # an eager task may be done before it is returned
            self.recorder.end(span, _ending_of(task))
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.made.pop(task)
        span = self._own.pop(task, None)
        if span is not None:
            self.recorder.end(span, _ending_of(task))

    def of_exchange(self, number: int | None) -> list[tuple[asyncio.Task[Any], Watched, Open]]:
        """The pending tasks that own code made in an exchange (None: outside of any)."""
        return [
            (task, self.made[task], span)
            for task, span in self._own.items()
            if span.facts["exchange"] == number
        ]

    def own(self) -> list[asyncio.Task[Any]]:
        """All pending tasks that own code made."""
        return list(self._own)

    def tables(self) -> tuple[object, object]:
        """What refers to tasks on behalf of this class."""
        return self.made, self._own


def _ending_of(task: asyncio.Task[Any]) -> Any:
    if task.cancelled():
        return "cancelled"
    return "failed" if task._exception is not None else "done"
