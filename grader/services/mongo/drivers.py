"""PyMongo in a play: what it does by itself is not the learner's doing."""

from __future__ import annotations

import asyncio
import sys
from types import FrameType
from typing import Any

from ..base.context import ServiceContext


def take_drivers_tasks_for_its_own(context: ServiceContext) -> None:
    """Keep the tasks that PyMongo makes from being taken for the learner's.

    Some watch the server for as long as there is a client, others read one answer each: a play
    does not wait for them, and they are not spans. What they send counts for the code that made
    them.
    """
    make = context.loop.get_task_factory()
    assert make is not None

    def factory(loop: Any, coroutine: Any, **options: Any) -> Any:
        if not _driver_makes_task():
            return make(loop, coroutine, **options)
        return asyncio.Task(context.for_caller(coroutine), loop=loop, **options)

    context.loop.set_task_factory(factory)


def _driver_makes_task() -> bool:
    """Whether it is PyMongo that has called asyncio to make a task."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals["__name__"].startswith(("asyncio.", "grader.")):
        frame = frame.f_back
    return frame is not None and str(frame.f_globals["__name__"]).startswith("pymongo.")
