"""What runs on a Dask worker: desks that stay open from one work of a run to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from ...course.catalog import lesson
from ...judging.messages import GradeReply
from ...model.errors import CourseError, GraderError
from ...model.report import Report
from ..desk import LocalDesk
from ..versions import course_version, kit_version
from ..work import Work

IDLE = 60.0
"""Real seconds after which a run that asks for nothing has been lost with its command."""
ENDED = "the run was ended"

kit_version()  # of the code that this process runs, whatever is installed while it does


class Versions(msgspec.Struct, frozen=True):
    """What a verdict depends on, as one machine has it.

    Attributes:
        courses: the version of each lesson; empty if its course has no such lesson.
    """

    kit: str
    courses: dict[str, str]


def versions_here(lessons: Sequence[str]) -> Versions:
    """Those of this machine, now: a worker outlives a change of the course."""
    course_version.cache_clear()
    return Versions(kit_version(), {name: _course_version(name) for name in lessons})


def _course_version(name: str) -> str:
    try:
        return course_version(lesson(name))
    except CourseError:
        return ""


async def verdict_here(run: str, work: bytes, seed: int) -> bytes:
    """Grade a work of a run on this worker.

    Args:
        work: a `Work`, as JSON.

    Returns:
        A `GradeReply`, as JSON.
    """
    verdict = await _verdict(run, msgspec.json.decode(work, type=Work), seed)
    if isinstance(verdict, Report):
        return msgspec.json.encode(GradeReply(verdict))
    return msgspec.json.encode(GradeReply(None, verdict.problem, verdict.remedy))


async def _verdict(run: str, work: Work, seed: int) -> Report | GraderError:
    if run in _ended:  # this was on its way to us when the end came
        return GraderError(ENDED)
    room = _rooms.get(run) or _rooms.setdefault(run, _Room(run))
    return await room.verdict(work, seed)


async def end_run(run: str) -> None:
    """Stop what is graded for a run on this worker, end its processes, and begin nothing more."""
    _ended.add(run)
    await _close(run)


async def _close(run: str) -> None:
    room = _rooms.pop(run, None)
    if room is not None:
        await room.close()


class _Room:
    """The desks of a run: as many as were ever needed at once."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._desks: list[LocalDesk] = []
        self._free: list[LocalDesk] = []
        self._at_work: set[asyncio.Task[Report | GraderError]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._end: asyncio.Task[None] | None = None

    async def verdict(self, work: Work, seed: int) -> Report | GraderError:
        desk = self._free.pop() if self._free else self._new_desk()
        task = asyncio.create_task(desk.verdict(work, seed))
        self._at_work.add(task)
        try:
            await asyncio.wait([task])  # it may be cancelled here, and Dask needn't know
        finally:
            task.cancel()
            self._at_work.discard(task)
            self._free.append(desk)
            self._start_timer()
        return GraderError(ENDED) if task.cancelled() else task.result()

    def _new_desk(self) -> LocalDesk:
        self._desks.append(LocalDesk())
        return self._desks[-1]

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._end_if_idle)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end_if_idle(self) -> None:
        if not self._at_work:  # else the timer starts again when that is done
            self._end = asyncio.create_task(_close(self._run))

    async def close(self) -> None:
        for task in self._at_work:
            task.cancel()
        if self._at_work:
            await asyncio.wait(self._at_work)
        self._stop_timer()
        for desk in self._desks:
            await desk.close()


_rooms: dict[str, _Room] = {}
_ended: set[str] = set()
