"""One grading at a time, of the latest text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ..course.files import shown
from ..judging.grader_process import GraderClient
from ..judging.messages import GradeRequest
from ..model.errors import GraderError
from ..model.report import Report
from .target import Target

LOOK_EVERY = 0.3
"""Real seconds between two looks at a grading that is under way."""
PATIENCE = 0.5
"""Real seconds that a newer request waits for an older one, which is then cancelled.
Most gradings are through by then, and their process is warm for the next one."""

Outcome = Report | GraderError
Post = Callable[[Callable[[], object]], object]


class GradeJob(NamedTuple):
    """What is to be graded: these exercises of a file that has this text."""

    target: Target
    text: str


class LatestGrading:
    """Grades what was asked for last. An earlier grading may be cancelled.

    Args:
        judge: what grades; it is closed in the end.
        seed: of the values that are drawn; None is the process's own.
        post: takes what is to be called from the session's own loop.
        done: called with the outcome of a grading, even if another one is asked for by now.
        waits: called with the seconds that a grading has taken so far.
    """

    def __init__(
        self,
        judge: GraderClient,
        seed: int | None,
        post: Post,
        done: Callable[[GradeJob, Outcome], object],
        waits: Callable[[float], object],
    ) -> None:
        self._judge = judge
        self._seed = seed
        self._post, self._done, self._waits = post, done, waits
        self._asked: GradeJob | None = None
        self._next: GradeJob | None = None
        self._task: asyncio.Task[Report] | None = None
        self._began = 0.0

    def ask(self, asked: GradeJob) -> None:
        """Grade this, as soon as possible."""
        if self._asked is None:
            self._begin(asked)
        else:
            self._next = asked if asked != self._asked else None

    async def close(self) -> None:
        """Give up what is under way, and end all processes."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._judge.close()

    def _begin(self, asked: GradeJob) -> None:
        lesson, numbers, file = asked.target.lesson, asked.target.numbers, asked.target.file
        request = GradeRequest(lesson.name, str(file), numbers, self._seed, shown(file), asked.text)
        loop = asyncio.get_running_loop()
        self._asked, self._next, self._began = asked, None, loop.time()
        self._task = loop.create_task(self._judge.grade(request))
        self._task.add_done_callback(lambda task: self._post(partial(self._ended, task, asked)))
        self._look_later(self._task)

    def _ended(self, task: asyncio.Task[Report], asked: GradeJob) -> None:
        if task.cancelled():
            return
        self._asked = self._task = None
        following = self._next
        self._done(asked, _outcome(task))
        if following is not None and self._asked is None:  # `done` may have asked
            self._begin(following)

    def _look_later(self, task: asyncio.Task[Report]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(LOOK_EVERY, self._post, partial(self._look, task))

    def _look(self, task: asyncio.Task[Report]) -> None:
        if task is not self._task or task.done():
            return
        seconds = asyncio.get_running_loop().time() - self._began
        if self._next is not None and self._judge.is_warm and seconds > PATIENCE:
            task.cancel()
            self._begin(self._next)
            return
        self._waits(seconds)
        self._look_later(task)


def _outcome(task: asyncio.Task[Report]) -> Outcome:
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, GraderError):
        return error
    return GraderError(f"{type(error).__name__}: {error}", "please report the text above")
