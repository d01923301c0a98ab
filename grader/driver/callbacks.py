"""Watches what a loop is given to call: from which thread, and what comes of it."""

from __future__ import annotations

import ast
import asyncio
import linecache
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import FrameType
from typing import Any

from ..clock import VirtualLoop, current_clock
from ..clock.patching import replaced
from .handovers import Handovers
from .recorder import Recorder, current_exchange, named
from .tasks import Tasks


@contextmanager
def calls_watched(loop: VirtualLoop, recorder: Recorder, handovers: Handovers) -> Iterator[None]:
    """Watch what a loop of the calling thread is given to call, now or later."""
    home = threading.get_ident()

    def look_at(callback: Any) -> None:
        if threading.get_ident() != home:
            report_unsafe(recorder)
        elif not type(callback).__name__.startswith("Task"):  # a task's own step
            handovers.note(callback)

    def now(schedule: Callable[..., Any], callback: Any, *args: Any, **options: Any) -> Any:
        look_at(callback)
        return schedule(callback, *args, **options)

    def timed(
        schedule: Callable[..., Any], time: float, callback: Any, *args: Any, **options: Any
    ) -> Any:
        look_at(callback)
        return schedule(time, callback, *args, **options)

    watched = {
        "call_soon": partial(now, loop.call_soon),
        "call_at": partial(timed, loop.call_at),
        "call_later": partial(timed, loop.call_later),
    }
    vars(loop).update(watched)
    try:
        yield
    finally:
        for name in watched:
            del vars(loop)[name]


@contextmanager
def unsafe_calls_reported(recorder: Recorder) -> Iterator[None]:
    """Report what a thread does to a queue or an event of the loop, even if no task waits there.

    If a task waits, the loop is given something to call, and that is seen anyway.
    """
    put, set_ = asyncio.Queue.put_nowait, asyncio.Event.set

    def watched(real: Callable[..., Any]) -> Callable[..., Any]:
        def method(self: Any, *args: Any) -> Any:
            if asyncio._get_running_loop() is None and current_clock() is recorder.clock:
                report_unsafe(recorder)
            return real(self, *args)

        return method

    with (
        replaced(asyncio.Queue, put_nowait=watched(put)),
        replaced(asyncio.Event, set=watched(set_)),
    ):
        yield


def report_unsafe(recorder: Recorder) -> None:
    """A thread other than the loop's does what only the loop's may do."""
    line = recorder.lines.of_caller()
    if line is not None:
        recorder.incident("not-thread-safe", line=line, detail=_what_was_called(recorder))


def _what_was_called(recorder: Recorder) -> str:
    """What the innermost own line called: `Queue.put_nowait`, `Future.set_result`."""
    called, frame = None, sys._getframe(1)
    while not recorder.lines.own(frame.f_code.co_filename):
        called, frame = frame, frame.f_back  # type: ignore[assignment]
    if called is not None and called.f_globals["__name__"].startswith("asyncio."):
        return called.f_code.co_qualname.replace("BaseEventLoop.", "loop.")
    name = _called_in_source(frame)  # a method written in C, or one that is watched here
    return _METHODS.get(name, name)


_METHODS = {
    "put_nowait": "Queue.put_nowait",
    "set": "Event.set",
    "call_soon": "loop.call_soon",
    "call_at": "loop.call_at",
    "call_later": "loop.call_later",
    **{name: f"Future.{name}" for name in ("set_result", "set_exception", "cancel")},
}


def _called_in_source(frame: FrameType) -> str:
    """The name of the function that is being called where a frame is."""
    line, end_line, start, end = next(
        islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4
    )
    if line is None or line != end_line:
        return ""
    text = linecache.getline(frame.f_code.co_filename, line).encode()[start:end].decode()
    try:
        called = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    function = getattr(called, "func", None)
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def exception_handler(
    recorder: Recorder, tasks: Tasks
) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """A loop's exception handler that reports the errors that would go unnoticed."""

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is None or isinstance(error, asyncio.CancelledError):
            return
        if "future" in context:
            tasks.report_unretrieved(context["future"], error)
        else:
            _report_failed(recorder, error, context.get("handle"))

    return handle


def _report_failed(recorder: Recorder, error: BaseException, handle: Any) -> None:
    """A callback that the loop called has raised, or could not even be called."""
    line = recorder.lines.of_error(error)
    if line is None:
        line = recorder.lines.of_function(getattr(handle, "_callback", None))
    if line is not None:
        exchange = handle._context.get(current_exchange) if handle is not None else None
        recorder.incident("callback-failed", line=line, detail=named(error), exchange=exchange)
