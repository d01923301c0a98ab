"""Grades the works of a class: at desks on this machine, or wherever else there are some."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from ..model.errors import GraderError
from ..model.report import Report
from .desk import LocalDesk
from .work import Work

Verdict = Report | GraderError


class SameWork(NamedTuple):
    """Works with the same content: they are graded once."""

    works: tuple[Work, ...]

    @property
    def first(self) -> Work:
        return self.works[0]


Done = Callable[[SameWork, Verdict], None]
"""What is told each verdict, as soon as it is there."""
Grade = Callable[[Sequence[SameWork], int, Done], Coroutine[Any, Any, None]]
"""Grades all, with this seed. Can be cancelled: what was being graded then has no verdict."""


class Desk(Protocol):
    """Where one work after another is graded."""

    async def verdict(self, work: Work, seed: int) -> Verdict:
        """Grade a work."""
        ...

    async def close(self) -> None:
        """End what was started for it."""
        ...


def batches(works: Iterable[Work]) -> list[SameWork]:
    """Works by their content, in the order of the first of each."""
    found: dict[tuple[str, str], list[Work]] = {}
    for work in works:
        found.setdefault((work.lesson, work.digest), []).append(work)
    return [SameWork(tuple(same)) for same in found.values()]


async def grade_here(todo: Sequence[SameWork], seed: int, done: Done, jobs: int) -> None:
    """Grade all on this machine; see `Grade`.

    Args:
        jobs: how many processes grade at the same time.
    """
    waiting = deque(todo)
    async with asyncio.TaskGroup() as group:
        for _ in range(min(jobs, len(todo))):
            group.create_task(serve(waiting, LocalDesk(), seed, done))


async def serve(waiting: deque[SameWork], desk: Desk, seed: int, done: Done) -> None:
    """Have one batch after another graded at a desk, as long as any waits.

    A batch that gets no verdict, since this is cancelled or the desk is lost, waits again.
    """
    try:
        while waiting:
            batch = waiting.popleft()
            try:
                verdict = await desk.verdict(batch.first, seed)
            except BaseException:
                waiting.appendleft(batch)
                raise
            done(batch, verdict)
    finally:
        await desk.close()


def processors() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
