"""Cancellations that are swallowed: by the end of a timeout, or by a task that just goes on."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..clock import current_clock
from ..clock.patching import replaced
from .awaited import step
from .collaborators import renamed
from .recorder import Recorder
from .tasks import Tasks
from .waits import Watched


@contextmanager
def swallowed_timeouts_reported(recorder: Recorder) -> Iterator[None]:
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


def report_swallowed(tasks: Tasks, recorder: Recorder) -> None:
    """Report the tasks that were cancelled, and have gone on until the end of the play.

    One that is still in the handler of its `CancelledError`, or in a `finally`, has not
    swallowed it: it takes its time to clear up.
    """
    for task, watched in list(tasks.made.items()):
        cancelled = watched.cancelled
        if cancelled is not None and task.cancelling() and not _is_handling(watched):
            recorder.incident(
                "cancellation-swallowed",
                at=cancelled.at,
                line=cancelled.line,
                exchange=watched.exchange,
            )
            # Closed, it would go on as before, without a loop to wait in: that never ends.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(watched.wrapped))


def _is_handling(watched: Watched) -> bool:
    """Whether the error is still on its way through one of the suspended coroutines."""
    at: Any = watched.wrapped
    while at is not None:
        if any(isinstance(o, asyncio.CancelledError) for o in gc.get_referents(at)):
            return True
        at = step(at)[1]
    return False
