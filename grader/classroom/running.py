"""Grades the works of a class, in as many processes as the machine has processors."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..judging.grader_process import GraderClient
from ..judging.messages import GradeRequest
from ..model.errors import GraderError
from ..model.report import Report
from .work import Work

LONGEST = 600.0
"""Real seconds after which a grading will not end any more: the grader's fault."""
SHOWN_AS = "exercise.py"
"""What every file is called while it is graded: a program isn't told whose it is."""

Verdict = Report | GraderError


class SameWork(NamedTuple):
    """Works with the same content: they are graded once."""

    works: tuple[Work, ...]

    @property
    def first(self) -> Work:
        return self.works[0]


def batches(works: Iterable[Work]) -> list[SameWork]:
    """Works by their content, in the order of the first of each."""
    found: dict[tuple[str, str], list[Work]] = {}
    for work in works:
        found.setdefault((work.lesson, work.digest), []).append(work)
    return [SameWork(tuple(same)) for same in found.values()]


async def grade(
    todo: Iterable[SameWork], seed: int, jobs: int, done: Callable[[SameWork, Verdict], None]
) -> None:
    """Grade all, and hand over each verdict as soon as it is there.

    Can be cancelled: the processes are then ended, and what they were grading has no verdict.

    Args:
        jobs: how many processes grade at the same time.
    """
    waiting = iter(list(todo))
    with tempfile.TemporaryDirectory(prefix="grade-class-", ignore_cleanup_errors=True) as folder:
        async with asyncio.TaskGroup() as group:
            for _ in range(jobs):
                group.create_task(_serve(waiting, Path(folder), seed, done))


async def _serve(
    waiting: Iterator[SameWork], folder: Path, seed: int, done: Callable[[SameWork, Verdict], None]
) -> None:
    grader = GraderClient()
    try:
        for batch in waiting:
            done(batch, await _verdict(grader, batch.first, folder, seed))
    finally:
        await grader.close()


async def _verdict(grader: GraderClient, work: Work, folder: Path, seed: int) -> Verdict:
    desk = Path(tempfile.mkdtemp(dir=folder))  # a new one: the last may be anything by now
    try:
        async with asyncio.timeout(LONGEST):
            return await grader.grade(_request(work, _laid_out(work, desk), seed))
    except GraderError as error:
        return error
    except TimeoutError:
        return GraderError(f"it was not graded within {LONGEST:.0f} s", "please report this")
    finally:
        shutil.rmtree(desk, ignore_errors=True)


def _request(work: Work, file: Path, seed: int) -> GradeRequest:
    return GradeRequest(
        lesson=work.lesson,
        file=str(file),
        numbers=(),
        seed=seed,
        shown_as=SHOWN_AS,
        source=work.source,
        is_one_of_many=True,
    )


def _laid_out(work: Work, desk: Path) -> Path:
    """The file where it is graded, with what lies beside it."""
    for name, data in work.helpers.items():
        helper = desk / name
        with suppress(OSError):  # a name that this file system doesn't take
            helper.parent.mkdir(parents=True, exist_ok=True)
            helper.write_bytes(data)
    file = desk / SHOWN_AS
    file.write_text(work.source, "utf-8", newline="")
    return file


def processors() -> int:
    """Those that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1
