"""Watches for what Python at most warns of: blocked loops, lost coroutines, dropped tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..clock import Clock, VirtualLoop
from ..clock.current import unwatch_blocks, watch_blocks
from ..clock.patching import replaced
from ..model.trace import to_seconds
from .blocking import blocking_call, blocking_calls_reported
from .callbacks import calls_watched, unsafe_calls_reported
from .cancellation import swallowed_timeouts_reported
from .dependencies import dependencies_noted
from .encoding import sent_tasks_reported
from .handlers import handlers_noted
from .handovers import Handovers, lost_coroutines_reported
from .logs import logs_noted
from .recorder import Recorder


@contextmanager
def watching(loop: VirtualLoop, recorder: Recorder) -> Iterator[None]:
    """Report the incidents of one play, whose loop is to run in this thread, to `recorder`."""
    handovers = Handovers(recorder)
    with ExitStack() as stack:
        stack.enter_context(calls_watched(loop, recorder, handovers))
        stack.enter_context(_sleeps(loop.clock, recorder))
        stack.enter_context(blocking_calls_reported(recorder))
        stack.enter_context(lost_coroutines_reported(recorder, handovers))
        stack.enter_context(unsafe_calls_reported(recorder))
        stack.enter_context(swallowed_timeouts_reported(recorder))
        stack.enter_context(logs_noted(recorder))
        stack.enter_context(_replaced_errors(recorder))
        stack.enter_context(sent_tasks_reported(recorder))
        stack.enter_context(dependencies_noted(recorder))
        stack.enter_context(handlers_noted(recorder))
        yield


@contextmanager
def _sleeps(clock: Clock, recorder: Recorder) -> Iterator[None]:
    def slept(what: str, start: int, on_loop: bool) -> None:
        if not on_loop:
            recorder.past("thread", what, start, line=recorder.lines.of_stack())
        elif asyncio._get_running_loop() is not None:
            recorder.past("blocked", what, start, line=recorder.lines.of_stack())
            _report_block(recorder, what, to_seconds(clock.now - start))

    watch_blocks(clock, slept)
    try:
        yield
    finally:
        unwatch_blocks(clock)


def _report_block(recorder: Recorder, what: str, seconds: float) -> None:
    """A portal of anyio's, say, blocks at the user's word: only a driver's block is its own."""
    call = blocking_call(recorder, what, sys._getframe(2), libraries=frozenset({"motor"}))
    if call is not None:
        name = what if what == "time.sleep" else call.name
        recorder.incident("loop-blocked", line=call.line, seconds=seconds, detail=name)


@contextmanager
def _replaced_errors(recorder: Recorder) -> Iterator[None]:
    """Note which error an HTTPException takes the place of: no answer says that."""
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
