"""Sees every wait of every task: where it began, what for, and how it ended.

A task is given its coroutine in a wrapper that passes everything on, and looks at the
coroutine each time it suspends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from types import CoroutineType
from typing import Any, NamedTuple
from weakref import ref

from ..model.trace import Ending, Moment
from .lines import Place
from .recorder import Open, Recorder, current_exchange


class Cancellation(NamedTuple):
    """A `CancelledError` that was thrown into a task: at which own line, and when."""

    line: int
    at: Moment


class Watched(Coroutine[Any, Any, Any]):
    """A coroutine that reports its waits to a recorder. Stands for the one it wraps.

    Attributes:
        made_at: the innermost own line on the stack when its task was made.
        runs_for: the task in which a library made its task.
        cancelled: where the cancellation that its task was last asked for reached it.
    """

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
        self._innermost: Callable[[], Any] = lambda: None
        self.task_name = name
        self.made_at = made_at
        self.exchange: int | None = None
        self.runs_for: asyncio.Task[Any] | None = None
        self.cancelled: Cancellation | None = None

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
        self._note_cancellation(resumed)
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

    def _note_cancellation(self, at: Moment) -> None:
        """Asked again, it is still the first time that counts."""
        task = asyncio.current_task()
        if self._place is not None and task is not None and task.cancelling() == 1:
            self.cancelled = Cancellation(self._place.line, at)

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
        if where is not None and type(where.coroutine) is CoroutineType:
            # A weak reference, for when a coroutine dies says something, too.
            self._innermost = ref(where.coroutine)
        self._recorder.last_own_line = where.line if where else None
        if where is not None and not is_turn:
            self._wait = self._recorder.begin(
                "wait", where.name, line=where.line, task=self.task_name
            )

    def place(self) -> Place | None:
        """The own line at which it is suspended, and what it waits for there."""
        known = self._innermost()
        # While a coroutine awaits something, all that await it stay where they are: then what
        # was found the last time need not be looked for again, below a dozen middlewares.
        still = known is not None and known.cr_await is not None
        return self._recorder.lines.of_wait(known if still else self.wrapped)

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.wrapped.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)
