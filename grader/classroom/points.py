"""What an attempt is worth: points by exercise, less for what comes late.

The rules stand in the table `[class]` of a `course.toml`:

    [class]
    attempt = "best"             # or "last"
    late_per_day = 0.1           # of the points, for each day that has begun
    late_at_most = 0.5

    [class.lessons.dayNN]
    deadline = 2026-12-01T23:59:00+01:00
    points = { 1 = 1, 2 = 3 }    # the others are worth 1
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from ..course.catalog import TABLE, Lesson, course
from ..model.errors import InputError
from ..model.report import ExerciseReport
from .store import Attempt

DAY = 24 * 3600
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Worth = Annotated[float, msgspec.Meta(ge=0)]


class LessonRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one lesson is worth, and until when."""

    deadline: datetime | None = None
    points: dict[str, Worth] = {}


class ClassRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How attempts become points.

    Attributes:
        attempt: which of a student's attempts counts.
        late_per_day: the share of the points that each day costs, from its beginning.
        late_at_most: the largest share that being late costs.
    """

    attempt: Literal["best", "last"] = "best"
    late_per_day: Share = 0.0
    late_at_most: Share = 1.0
    lessons: dict[str, LessonRules] = {}

    def of(self, lesson: str) -> LessonRules:
        return self.lessons.get(lesson, LessonRules())

    def worth(self, lesson: Lesson, number: int) -> float:
        """Points that an exercise gives when it passes."""
        return self.of(lesson.name).points.get(str(number), 1.0)

    def most(self, lesson: Lesson) -> float:
        """Points of a lesson in which all passes."""
        return sum(self.worth(lesson, exercise.number) for exercise in lesson.exercises)

    def days_late(self, attempt: Attempt) -> int:
        """Days that had begun since the deadline; 1 where only the platform says that it was
        late, and not when it was handed in."""
        deadline = self.of(attempt.lesson).deadline
        if deadline is None or attempt.submitted is None:
            return int(attempt.is_late)
        seconds = (attempt.submitted - deadline.astimezone()).total_seconds()
        return max(0, math.ceil(seconds / DAY))

    def share(self, attempt: Attempt) -> float:
        """What is left of the points of an attempt after being late."""
        return 1 - min(self.late_at_most, self.late_per_day * self.days_late(attempt))


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What a student gets for a lesson.

    Attributes:
        attempt: the one that counts. If none could be graded, it is the last, without a report.
        by_exercise: points by the exercise's number, before what being late costs.
        points: in all, after it.
        attempts: how many different works there were.
    """

    attempt: Attempt
    by_exercise: dict[int, float]
    points: float
    most: float
    days_late: int
    attempts: int

    @property
    def is_final(self) -> bool:
        """Whether it was graded, and the grader did its work."""
        return self.attempt.report is not None and self.attempt.report.exit_code != 3


def score(attempts: Sequence[Attempt], lesson: Lesson, rules: ClassRules) -> Score:
    """The score of one student, whose attempts these are, from the first to the last."""
    graded = [one for one in attempts if one.report is not None]
    scores = [_score(one, lesson, rules, len(graded)) for one in graded or attempts[-1:]]
    if rules.attempt == "last":
        return scores[-1]
    return max(reversed(scores), key=lambda one: one.points)


def _score(attempt: Attempt, lesson: Lesson, rules: ClassRules, attempts: int) -> Score:
    found = {one.number: _points(one, lesson, rules) for one in attempt.exercises}
    return Score(
        attempt=attempt,
        by_exercise=found,
        points=round(sum(found.values()) * rules.share(attempt), 4),
        most=rules.most(lesson),
        days_late=rules.days_late(attempt),
        attempts=attempts,
    )


def _points(exercise: ExerciseReport, lesson: Lesson, rules: ClassRules) -> float:
    return rules.worth(lesson, exercise.number) if exercise.status == "passed" else 0.0


def class_rules(file: Path | None = None) -> ClassRules:
    """The rules of a file; else those of `course.toml` here, or of the course.

    Raises:
        InputError: they can't be read.
    """
    for place in [file] if file else [Path(TABLE), course().root / TABLE]:
        if file or place.is_file():
            table = _table(place)
            if file or "class" in table:
                return _rules(place, table.get("class", {}))
    return ClassRules()


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}", "name another") from error
    except ValueError as error:
        raise InputError(f"{file} can't be read: {error}", "correct it") from error


def _rules(file: Path, table: dict[str, Any]) -> ClassRules:
    try:
        rules = msgspec.convert(table, ClassRules)
    except msgspec.ValidationError as error:
        raise InputError(f"[class] in {file} is wrong: {error}", "correct it") from error
    for name, found in rules.lessons.items():
        lesson = course().lesson(name)
        for number in found.points:
            lesson.exercise_of(number)
    return rules
