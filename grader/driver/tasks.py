"""The tasks of a play: which of them own code made, and what became of them."""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any, NamedTuple

from ..model.trace import Ending, Moment
from .recorder import Open, Recorder, named
from .waits import Watched


class OwnTask(NamedTuple):
    """A pending task that own code made, itself (`is_direct`) or through a library."""

    task: asyncio.Task[Any]
    watched: Watched
    span: Open
    is_direct: bool

    @property
    def line(self) -> int | None:
        return self.span.facts["line"]  # type: ignore[no-any-return]

    @property
    def name(self) -> str:
        return str(self.span.facts["name"])

    @property
    def exchange(self) -> int | None:
        return self.span.facts["exchange"]  # type: ignore[no-any-return]


class Death(NamedTuple):
    """An exception that ended a task, and that may still be asked for."""

    task: weakref.ref[asyncio.Task[Any]]
    at: Moment
    exchange: int | None
    made_at: int | None


_OF_ASYNCIO = asyncio.create_task.__code__.co_filename
"""Where `asyncio.sleep` is, too: what is there makes tasks of nothing but what it is given."""


class Tasks:
    """The task factory of a play.

    Attributes:
        made: the pending tasks, with the watched coroutine of each.
        when_made: called with the name of each task that own code makes, and its exchange.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.made: dict[asyncio.Task[Any], Watched] = {}
        self.when_made: Callable[[str, int | None], None] = lambda *_: None
        self._own: dict[asyncio.Task[Any], tuple[Open, bool]] = {}
        self._deaths: dict[int, Death] = {}
        self._serial = count(1)

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        if not asyncio.iscoroutine(coroutine):  # asyncio says what is wrong, and where
            return asyncio.Task(coroutine, loop=loop, **options)
        watched = self._watched(coroutine)
        span = self._span_of(coroutine, watched)
        is_direct = self._is_direct(coroutine)
        task = asyncio.Task(watched, loop=loop, **options)
        if not task.done():
            self.made[task] = watched
            task.add_done_callback(self._ended)
            if span is not None:
                self._own[task] = span, is_direct
                self.when_made(watched.task_name, span.facts["exchange"])
        elif span is not None:  # an eager task may be done before it is returned
            self.recorder.end(span, _ending_of(task))
        return task

    def _is_direct(self, coroutine: Any) -> bool:
        """Whether own code made a task, through nothing but what runs what it is given.

        A task that anyio, say, makes for a coroutine function of the same file is its own doing.
        """
        lines = self.recorder.lines
        if lines.of_caller() is None:
            return False
        code = getattr(coroutine, "cr_code", None)
        if code is None or lines.own(code.co_filename) or code.co_filename == _OF_ASYNCIO:
            return True
        at: FrameType | None = sys._getframe(1)
        while at is not None and not lines.own(at.f_code.co_filename):
            if at.f_code.co_filename == code.co_filename:
                return False
            at = at.f_back
        return True

    def _watched(self, coroutine: Any) -> Watched:
        lines, name = self.recorder.lines, f"task {next(self._serial)}"
        watched = Watched(coroutine, name, lines.of_stack(), self.recorder)
        if lines.of_caller() is None and asyncio._get_running_loop() is not None:
            watched.runs_for = asyncio.current_task()
        return watched

    def _span_of(self, coroutine: Any, watched: Watched) -> Open | None:
        if watched.made_at is None:
            return None
        qualname = getattr(coroutine, "__qualname__", type(coroutine).__name__)
        return self.recorder.begin(
            "task",
            qualname.rpartition(".<locals>.")[2],
            line=watched.made_at,
            task=watched.task_name,
        )

    def _ended(self, task: asyncio.Task[Any]) -> None:
        watched = self.made.pop(task)
        span, is_direct = self._own.pop(task, (None, False))
        if span is not None:
            self.recorder.end(span, _ending_of(task))
        if _ending_of(task) == "failed":
            made_at = watched.made_at if is_direct else None
            now, exchange = self.recorder.moment(), watched.exchange
            self._deaths[id(task)] = Death(weakref.ref(task), now, exchange, made_at)

    def own(self) -> list[OwnTask]:
        """The pending tasks that own code made."""
        return [OwnTask(task, self.made[task], *kept) for task, kept in self._own.items()]

    def tables(self) -> tuple[object, object]:
        """What refers to tasks on behalf of this class."""
        return self.made, self._own

    def report_unasked(self) -> None:
        """Report the exceptions that were never asked for, of tasks that still exist."""
        for death in tuple(self._deaths.values()):
            task = death.task()
            error = task._exception if task is not None else None
            if task is not None and error is not None and task._log_traceback:
                task._log_traceback = False  # it is reported here
                self.report_unretrieved(task, error)

    def report_unretrieved(self, future: asyncio.Future[Any], error: BaseException) -> None:
        """Report an exception that a future was never asked for, unless it is a library's own."""
        death = self._deaths.pop(id(future), None)
        line = self.recorder.lines.of_error(error)
        facts: dict[str, Any] = {"line": line, "detail": named(error)}
        if death is not None:
            facts |= {"line": line or death.made_at, "at": death.at, "exchange": death.exchange}
        if facts["line"] is not None:
            self.recorder.incident("exception-unretrieved", **facts)


def _ending_of(task: asyncio.Task[Any]) -> Ending:
    if task.cancelled():
        return "cancelled"
    return "failed" if task._exception is not None else "done"
