"""Watches for what Python only mutters about: blocked loops, lost coroutines, dropped tasks."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import Context
from functools import cache
from pathlib import Path
from types import BuiltinMethodType, CoroutineType, FrameType, MethodType
from typing import Any

from blockbuster import BlockBuster, BlockBusterFunction

from ..clock import Clock, current_clock
from ..clock.current import unwatch_blocks, watch_blocks
from ..clock.patching import put_back, replaced
from ..model.trace import to_seconds
from .collaborators import renamed
from .logs import logs_noted
from .recorder import Recorder, named
from .waits import Tasks, Watched

_ASYNCIO = str(Path(asyncio.__file__).parent)
_KIT = str(Path(__file__).parents[1])

WATCHED_CALLS = ("socket.", "ssl.", "sqlite3.", "builtins.", "os.wait", "os.read")
"""The blocking calls that are reported, by blockbuster's names. Reading a small file is
not among them: it is no slower than much that nobody would move to a thread."""


@contextmanager
def watching(clock: Clock, recorder: Recorder) -> Iterator[None]:
    """Report the incidents of one play to `recorder`."""
    with ExitStack() as stack:
        stack.enter_context(_sleeps(clock, recorder))
        stack.enter_context(_recorders_of(recorder))
        stack.enter_context(blocking_calls_noted())
        stack.enter_context(_lost_coroutines(recorder))
        stack.enter_context(_swallowed_timeouts(recorder))
        stack.enter_context(logs_noted(recorder))
        stack.enter_context(_replaced_errors(recorder))
        yield


@contextmanager
def _sleeps(clock: Clock, recorder: Recorder) -> Iterator[None]:
    def slept(what: str, start: int, on_loop: bool) -> None:
        line = recorder.lines.of_stack()
        if not on_loop:
            recorder.past("thread", what, start, line=line)
        elif asyncio._get_running_loop() is not None:
            recorder.past("blocked", what, start, line=line)
            recorder.incident(
                "loop-blocked", line=line, seconds=to_seconds(clock.now - start), detail=what
            )

    watch_blocks(clock, slept)
    try:
        yield
    finally:
        unwatch_blocks(clock)


@contextmanager
def _replaced_errors(recorder: Recorder) -> Iterator[None]:
    """Note which error an HTTPException takes the place of: no answer tells that."""
    exceptions = sys.modules.get("starlette.exceptions")
    if exceptions is None:
        yield
        return
    real = exceptions.HTTPException.__init__

    def init(self: Any, *args: Any, **options: Any) -> None:
        real(self, *args, **options)
        error = sys.exc_info()[1]
        if error is not None:
            recorder.note_handled(error)

    with replaced(exceptions.HTTPException, __init__=init):
        yield


_recorders: dict[int, Recorder] = {}


@contextmanager
def _recorders_of(recorder: Recorder) -> Iterator[None]:
    _recorders[id(recorder.clock)] = recorder
    try:
        yield
    finally:
        del _recorders[id(recorder.clock)]


_noting_depth = 0


@contextmanager
def blocking_calls_noted() -> Iterator[None]:
    """Let blockbuster find calls that block a loop. Nested uses share the outermost one."""
    global _noting_depth
    _noting_depth += 1
    try:
        with _blocking_functions_replaced() if _noting_depth == 1 else nullcontext():
            yield
    finally:
        _noting_depth -= 1


@contextmanager
def _blocking_functions_replaced() -> Iterator[None]:
    functions = _blocking_functions()
    with ExitStack() as stack:
        for function in functions:
            # What it replaces in a class that is written in C it keeps there, under `_c_...`.
            name = function.func_name
            stack.enter_context(put_back(function.module, name, f"_c_{name}"))
            function.activate()
            stack.callback(function.deactivate)
        yield


@cache
def _blocking_functions() -> tuple[BlockBusterFunction, ...]:
    functions = [f for n, f in BlockBuster().functions.items() if n.startswith(WATCHED_CALLS)]
    functions.append(
        BlockBusterFunction(
            subprocess.Popen,
            "wait",
            can_block_predicate=lambda program, *_, **__: program.returncode is not None,
        )
    )
    for function in functions:
        # A call that may block is put to this predicate: note it, and let it pass.
        function.can_block_predicate = _noting(function.full_name, function.can_block_predicate)
    return tuple(functions)


def _noting(name: str, harmless: Callable[..., bool]) -> Callable[..., bool]:
    def may_block(*args: Any, **kwargs: Any) -> bool:
        if harmless(*args, **kwargs):  # as each read of a socket that does not block
            return True
        recorder = _recorders.get(id(current_clock()))
        if recorder is not None and recorder.clock.is_home():
            line = recorder.lines.of_stack()
            if line is not None and not _is_asyncios_doing(recorder):
                recorder.incident("loop-blocked", line=line, detail=name)
        return True

    return may_block


def _is_asyncios_doing(recorder: Recorder) -> bool:
    """Whether the innermost own line called something of asyncio's, such as to start a program."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and not recorder.lines.own(frame.f_code.co_filename):
        if frame.f_code.co_filename.startswith(_ASYNCIO):
            return True
        frame = frame.f_back
    return False


@contextmanager
def _lost_coroutines(recorder: Recorder) -> Iterator[None]:
    tell_python = warnings._warn_unawaited_coroutine  # type: ignore[attr-defined]

    def lost(coroutine: CoroutineType[Any, Any, Any]) -> None:
        if current_clock() is not recorder.clock:
            tell_python(coroutine)
            return
        origin = coroutine.cr_origin or ()
        lines = [line for file, line, _ in origin if recorder.lines.own(file)]
        name = coroutine.__qualname__.rpartition(".<locals>.")[2]
        recorder.incident("never-awaited", line=lines[0] if lines else None, detail=name)

    with replaced(warnings, _warn_unawaited_coroutine=lost):
        yield


@contextmanager
def _swallowed_timeouts(recorder: Recorder) -> Iterator[None]:
    """Report an `asyncio.timeout` whose time was up, and whose block ended as if it were not."""
    real_exit = asyncio.Timeout.__aexit__

    async def aexit(scope: asyncio.Timeout, kind: Any, error: Any, traceback: Any) -> Any:
        if scope.expired() and _hides_cancellation(kind) and current_clock() is recorder.clock:
            recorder.incident("cancellation-swallowed", line=recorder.lines.of_stack())
        return await real_exit(scope, kind, error, traceback)

    real_wait_for = asyncio.wait_for

    async def wait_for(awaitable: Any, timeout: float | None) -> Any:  # noqa: ASYNC109
        start = recorder.clock.seconds
        result = await real_wait_for(awaitable, timeout)
        if timeout is not None and timeout < recorder.clock.seconds - start + 1e-9:
            recorder.incident("cancellation-swallowed", line=recorder.lines.of_stack())
        return result

    # From 3.12 on, wait_for is built on Timeout.
    ours = renamed(wait_for, "wait_for") if sys.version_info < (3, 12) else real_wait_for
    with replaced(asyncio.Timeout, __aexit__=aexit), replaced(asyncio, wait_for=ours):
        yield


def _hides_cancellation(kind: type[BaseException] | None) -> bool:
    """Whether a block that was cancelled ended in the learner's own way. A group may hold both."""
    return kind is None or (issubclass(kind, Exception) and not issubclass(kind, ExceptionGroup))


def exception_handler(recorder: Recorder) -> Callable[[Any, dict[str, Any]], None]:
    """A loop's exception handler that reports errors nobody asked a task for."""

    def handle(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if re.search("never retrieved", context.get("message", "")) and error is not None:
            recorder.incident(
                "exception-unretrieved",
                line=recorder.lines.of_error(error),
                detail=named(error),
            )

    return handle


def note_unreferenced(tasks: Tasks, exchange: int, recorder: Recorder) -> None:
    """Report pending tasks of an exchange that nothing but the loop's timers holds on to."""
    pending = [entry for entry in tasks.of_exchange(exchange) if not entry[0].cancelling()]
    for task, watched, span in pending:
        if not is_held(task, watched, {*map(id, tasks.tables()), *map(id, pending)}):
            facts = span.facts
            recorder.incident(
                "task-unreferenced", line=facts["line"], detail=facts["name"], exchange=exchange
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
        return not referrer.f_code.co_filename.startswith(_KIT)
    kind = type(referrer)
    if kind.__name__ == "FutureIter":  # somebody awaits it
        return True
    machinery = kind.__name__.startswith(("TaskStep", "TaskWakeup")) or kind.__module__.startswith(
        ("asyncio", "_asyncio", "anyio", "grader")
    )
    return not machinery and not isinstance(referrer, BuiltinMethodType | MethodType | Context)
