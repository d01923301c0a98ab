"""What is graded: the text of a learner's file, read once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..model.errors import CourseError
from ..model.report import ExerciseReport, Report
from .answers import Answers, answers_file
from .catalog import Exercise, Lesson
from .files import read_source, shown

CHANGED = "The file changed while it was graded. This is the verdict on how it was before."


class SourceFile(msgspec.Struct, frozen=True):
    """A learner's answers to a lesson, as they were when the command began.

    Attributes:
        text: None if the lesson is new, and the workspace has no folder for it yet.
    """

    lesson: Lesson
    file: Path
    text: str | None

    @property
    def answers(self) -> Answers:
        return Answers(self.text or "")

    def to_do(self, exercises: tuple[Exercise, ...], seed: int) -> Report:
        """The report on a lesson that the workspace does not have yet."""
        return Report(
            lesson=self.lesson.name,
            file=shown(self.file),
            seed=seed,
            seconds=0.0,
            exercises=tuple(
                ExerciseReport(number=one.number, title=one.title, status="todo")
                for one in exercises
            ),
            notes=(f"{self.lesson.name} is new: `grade init .` puts its files here.",),
        )

    def checked(self, report: Report) -> Report:
        """The report, with a note if the file has another text by now."""
        try:
            is_same = read_source(self.file) == self.text
        except CourseError:
            is_same = False
        if is_same:
            return report
        return msgspec.structs.replace(report, notes=(*report.notes, CHANGED))


def source_file(lesson: Lesson, file: Path | None = None) -> SourceFile:
    """The answers to a lesson in a file, or in the workspace.

    Raises:
        InputError: the file cannot be read.
        UsageError: there is no workspace here.
    """
    path = file or answers_file(lesson)
    is_new = file is None and not path.parent.exists()
    return SourceFile(lesson, path, None if is_new else read_source(path))
