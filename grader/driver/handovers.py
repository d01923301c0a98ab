"""Coroutines that are never awaited, each with the user's line that loses it.

That is the line that made it. But an async function can also be handed to something that
calls plain functions, such as a thread or `call_later`: then it is the line that did that.
"""

from __future__ import annotations

import inspect
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context
from functools import partial
from types import BuiltinMethodType, CodeType, CoroutineType
from typing import Any, NamedTuple

import anyio.to_thread

from ..clock import current_clock
from ..clock.patching import replaced
from ..clock.real_time import sleep as real_sleep
from .recorder import Recorder, current_exchange

MOST_MOMENTS = 50
"""Moments that the threads of a play have, of 2 ms of real time each."""


class Handover(NamedTuple):
    """Where an async function was handed over, and in which exchange."""

    line: int
    exchange: int | None


class Handovers:
    """The async functions that were handed to callers of plain functions, by their code."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._by_code: dict[CodeType, deque[Handover]] = {}

    def note(self, function: Any) -> None:
        """A function is handed over now."""
        code = getattr(function, "__code__", None)
        if type(code) is not CodeType:
            code = _code_of(function)
        if code is not None and code.co_flags & inspect.CO_COROUTINE:
            line = self._recorder.lines.of_stack()
            if line is not None:
                handover = Handover(line, current_exchange.get())
                self._by_code.setdefault(code, deque()).append(handover)

    def await_threads(self) -> None:
        """Give threads a moment of real time to forget the coroutines that they have made."""
        for _ in range(MOST_MOMENTS):
            if not any(self._by_code.values()):
                return
            real_sleep(0.002)

    def report(self, coroutine: CoroutineType[Any, Any, Any]) -> None:
        """A coroutine of the play's was never awaited."""
        name = coroutine.__qualname__.rpartition(".<locals>.")[2]
        origin = coroutine.cr_origin or ()
        own = [line for file, line, _ in origin if self._recorder.lines.own(file)]
        if not own and len(origin) == self._recorder.clock.origin_depth:
            self._recorder.lost_track = True
        given = self._by_code.get(coroutine.cr_code)
        if not own and given:
            line, exchange = given.popleft()
            self._recorder.incident("never-awaited", line=line, detail=name, exchange=exchange)
        else:
            made_at = own[0] if own else None
            self._recorder.incident("never-awaited", line=made_at, detail=name)


def _code_of(function: Any) -> CodeType | None:
    """The code that runs when a function, a method, a partial or an object is called."""
    while isinstance(function, partial):
        runs_another = isinstance(function.func, BuiltinMethodType) and isinstance(
            function.func.__self__, Context
        )
        function = function.args[0] if runs_another and function.args else function.func
    if not hasattr(function, "__code__"):
        function = vars(type(function)).get("__call__")
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


@contextmanager
def lost_coroutines_reported(recorder: Recorder, handovers: Handovers) -> Iterator[None]:
    """Report the coroutines that are never awaited."""
    warn_as_python = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]

    def lost(coroutine: CoroutineType[Any, Any, Any]) -> None:
        if current_clock() is recorder.clock:
            handovers.report(coroutine)
        else:
            warn_as_python(coroutine)

    recorder.before_end = handovers.await_threads
    with replaced(warnings, _warn_unawaited_coroutine=lost), _threads_noted(handovers):
        yield


def _called_for(exchange: int | None, function: Any, /, *args: Any, **kw: Any) -> Any:
    """Call a function in a pool's thread, for the exchange that it was handed over in."""
    token = current_exchange.set(exchange)
    try:
        return function(*args, **kw)
    finally:
        current_exchange.reset(token)


@contextmanager
def _threads_noted(handovers: Handovers) -> Iterator[None]:
    """Note what threads are given to call."""
    submit, start = ThreadPoolExecutor.submit, threading.Thread.start
    run_sync = anyio.to_thread.run_sync

    def noting_submit(pool: ThreadPoolExecutor, function: Any, /, *args: Any, **kw: Any) -> Any:
        handovers.note(function)
        return submit(pool, partial(_called_for, current_exchange.get(), function), *args, **kw)

    def noting_start(thread: threading.Thread) -> None:
        handovers.note(getattr(thread, "_target", None))
        start(thread)

    def noting_run_sync(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        handovers.note(function)
        return run_sync(function, *args, **options)

    with (
        replaced(ThreadPoolExecutor, submit=noting_submit),
        replaced(threading.Thread, start=noting_start),
        replaced(anyio.to_thread, run_sync=noting_run_sync),
    ):
        yield
