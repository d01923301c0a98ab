"""Watches what FastAPI makes JSON of: a task in an answer becomes an empty object, in silence."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..clock import current_clock
from ..clock.patching import replaced
from .recorder import Recorder

ASKED = "is_pydantic_v1_model_instance"
"""What FastAPI's encoder asks of each value of a type that it doesn't know; see `private.py`."""


@contextmanager
def sent_tasks_reported(recorder: Recorder) -> Iterator[None]:
    """Report the tasks and futures that FastAPI's encoder comes to.

    It goes through their items. One that is over has none.
    """
    encoders = sys.modules.get("fastapi.encoders")
    asked = getattr(encoders, ASKED, None)
    if asked is None:
        yield
        return

    def look(value: Any) -> Any:
        is_future = isinstance(value, asyncio.Future) and value.done()
        if is_future and current_clock() is recorder.clock:
            recorder.incident("task-sent", detail=type(value).__name__)
        return asked(value)

    with replaced(encoders, **{ASKED: look}):
        yield
