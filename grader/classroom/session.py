"""One run of grading a class: what there is to do, and what was done."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..course.catalog import Lesson
from ..model.errors import GraderError
from .running import Done, Grade, SameWork, Verdict, batches
from .store import Store
from .work import Work


class ClassSession:
    """A run. What it finds is in the store at once.

    Args:
        resume: whether what has a verdict of this kit and course keeps it. The seed is then
            that of the last run.
        seed: of the values that are drawn; None draws one.

    Attributes:
        todo: the works to be graded, those with the same content together.
        kept: how many have a verdict already.
        problems: works that could not be graded, and those that the grader could not.
        is_broken: whether the grader broke for one of them.
        seed: one for all.
    """

    def __init__(
        self,
        store: Store,
        place: Path,
        works: Sequence[Work],
        lessons: Sequence[Lesson],
        resume: bool = False,
        seed: int | None = None,
    ) -> None:
        known_seed = store.last_seed() if resume else None
        new_seed = secrets.randbelow(2**32) if seed is None else seed
        self.seed = new_seed if known_seed is None else known_seed
        self._store = store
        self._lessons = {lesson.name: lesson for lesson in lessons}
        self._run = store.begin_run(place, self.seed)
        self.problems: list[tuple[Work, str]] = []
        self.is_broken = False
        self.todo: list[SameWork] = []
        self.kept = 0
        store.add_students({work.student.key: work.student for work in works}.values())
        self._note_problems([work for work in works if work.problem])
        for batch in batches(work for work in works if not work.problem):
            self._plan(batch, resume)

    def _note_problems(self, works: Sequence[Work]) -> None:
        self.problems += [(work, work.problem) for work in works]
        new = [work for work in works if not self._store.is_known(work, None)]
        self._store.add_attempts(self._run, new, None)

    def _plan(self, batch: SameWork, resume: bool) -> None:
        lesson = self._lessons[batch.first.lesson]
        report = self._store.report_on(batch.first, lesson) if resume else None
        if report is None:
            self.todo.append(batch)
            return
        new = [work for work in batch.works if not self._store.is_known(work, report)]
        self._store.add_attempts(self._run, new, report)
        self.kept += len(batch.works)

    def grade(self, grade: Grade, after: Callable[[SameWork], None]) -> bool:
        """Grade what is to do.

        Args:
            grade: does it, on this machine or elsewhere.
            after: called when a batch has its verdict.

        Returns:
            Whether all was graded: not if Ctrl-C or SIGTERM came.

        Raises:
            sqlite3.Error: a verdict could not be stored. Those before it are.
        """

        def done(batch: SameWork, verdict: Verdict) -> None:
            self._keep(batch, verdict)
            after(batch)

        try:
            return asyncio.run(self._grade(grade, done))
        except ExceptionGroup as errors:
            raise next(_of_store(errors), errors) from errors

    async def _grade(self, grade: Grade, done: Done) -> bool:
        grading = asyncio.create_task(grade(self.todo, self.seed, done))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, grading.cancel)
        await asyncio.wait([grading])
        if grading.cancelled():
            return False
        grading.result()
        return True

    def _keep(self, batch: SameWork, verdict: Verdict) -> None:
        if isinstance(verdict, GraderError):
            self._note_broken(batch, str(verdict))
            return
        broken = [str(one.number) for one in verdict.exercises if one.status == "broken"]
        if broken:
            self._note_broken(batch, f"exercise {', '.join(broken)}")
        report = self._store.add_report(batch.first, self._lessons[batch.first.lesson], verdict)
        self._store.add_attempts(self._run, batch.works, report)

    def _note_broken(self, batch: SameWork, where: str) -> None:
        """The grader's fault: there is no verdict that lasts, and the next run tries again."""
        self.is_broken = True
        self.problems += [(work, f"the grader broke: {where}") for work in batch.works]


def _of_store(errors: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in errors.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _of_store(error)
        elif isinstance(error, sqlite3.Error):
            yield error
