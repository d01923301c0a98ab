"""What the apps under test are handed: coroutine functions that sleep, and note their calls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Call:
    """One call of a fake: `how` is running, done, failed or cancelled."""

    arguments: tuple[Any, ...]
    how: str = "running"
    ended: float = 0.0


@dataclass(frozen=True)
class After:
    """A step of a fake: sleep, then return the value, or raise it if it is an exception."""

    seconds: float
    value: Any = None

    async def perform(self) -> Any:
        await asyncio.sleep(self.seconds)
        if isinstance(self.value, BaseException):
            raise self.value
        return self.value


@contextmanager
def noted(calls: list[Call], arguments: tuple[Any, ...]) -> Iterator[None]:
    call = Call(arguments)
    calls.append(call)
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        call.how = "cancelled"
        raise
    except BaseException:
        call.how = "failed"
        raise
    else:
        call.how = "done"
    finally:
        call.ended = time.perf_counter()


def fake(*steps: After) -> Any:
    """A coroutine function that does one step a call, and the last step from then on."""
    left = list(steps)
    calls: list[Call] = []

    async def collaborator(*arguments: Any) -> Any:
        step = left.pop(0) if len(left) > 1 else left[0]
        with noted(calls, arguments):
            return await step.perform()

    collaborator.calls = calls  # type: ignore[attr-defined]
    return collaborator


def fake_rows(values: Sequence[Any], every: float) -> Any:
    """An async generator function that gives a value every so many seconds."""
    calls: list[Call] = []

    async def read_rows() -> AsyncIterator[Any]:
        with noted(calls, ()):
            for value in values:
                await asyncio.sleep(every)
                yield value

    read_rows.calls = calls  # type: ignore[attr-defined]
    return read_rows


@dataclass
class FakeConnection:
    step: After
    queries: list[Call] = field(default_factory=list)
    closings: list[Call] = field(default_factory=list)

    async def query(self, sql: str) -> Any:
        with noted(self.queries, (sql,)):
            if self.closings:
                raise ConnectionError("the connection is closed")
            rows = await self.step.perform()
            if self.closings:
                raise ConnectionError("the connection was closed before the rows were read")
            return rows

    async def close(self) -> None:
        with noted(self.closings, ()):
            await asyncio.sleep(0.1)


class FakeDatabase:
    """`connect` opens connections whose queries do `step`."""

    def __init__(self, step: After) -> None:
        self.step = step
        self.opened: list[FakeConnection] = []

    async def connect(self) -> FakeConnection:
        await asyncio.sleep(0.2)
        self.opened.append(FakeConnection(self.step))
        return self.opened[-1]
