"""What `grade --watch` calls."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from ..course.catalog import Lesson
from ..judging.grader_process import GraderClient
from ..processes import spawn

if TYPE_CHECKING:
    from ..reporting.reporter import Reporter


def watch(
    lesson: Lesson | None,
    numbers: tuple[int, ...],
    file: Path | None,
    seed: int | None,
    reporter: Reporter | None = None,
) -> int:
    """Grade what is saved, as it is saved, until the learner quits.

    Args:
        lesson: None means the first one with an unsolved exercise.
        numbers: of the exercises; none means the first unsolved one.
        file: with the answers; None means the workspace's own.
        seed: of the values that are drawn; None draws new ones.
        reporter: tells a board of each verdict, if there is one.

    Returns:
        The exit status: 0 if the target passes in the end, else 1; after a signal, what a
        shell would give.

    Raises:
        InputError: there is no such file.
    """
    spawn.end_unused_worker()  # the process that judges starts a worker of its own
    judge = GraderClient()
    judge.warm_up()  # it imports while we do
    from .session import WatchSession

    return asyncio.run(WatchSession(lesson, numbers, file, seed, judge, reporter).run())
