"""What watch mode keeps of the learner's progress."""

from __future__ import annotations

from collections.abc import Callable

from ..course.answers import Answers
from ..course.catalog import Exercise, Lesson
from ..course.hints import ladder
from ..course.progress import Progress, ProgressFile
from ..model.report import Report


class Record:
    """Progress in the workspace; of another file's gradings only for this run.

    Args:
        warn: called with a sentence when something is wrong with the file.
        keeps: whether what is graded is the workspace's own.
    """

    def __init__(self, warn: Callable[[str], object], keeps: bool) -> None:
        self._file = ProgressFile.here(warn)
        self._own = None if keeps else self._file.read()

    def read(self) -> Progress:
        return self._file.read() if self._own is None else self._own

    def note(self, lesson: Lesson, answers: Answers, report: Report) -> None:
        """Keep what was found of a lesson's answers."""
        if self._own is None:
            self._file.note([(lesson, answers, report)])
            return
        self._own.lesson(lesson).note(lesson, answers, report)

    def next_hint(self, lesson: Lesson, exercise: Exercise) -> tuple[str, int, int]:
        """A hint, a step further each time; which one it is, and of how many.

        Raises:
            GraderError: the exercise has none.
        """
        steps = ladder(lesson, exercise)
        with self._file.changing() as progress:
            step = progress.exercise(lesson, exercise).take_hint(len(steps))
        return steps[step - 1], step, len(steps)
