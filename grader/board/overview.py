"""From what is stored to what a page shows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..course.catalog import Lesson
from .audience import News
from .messages import (
    BoardOverview,
    ExerciseOverview,
    LearnerPlace,
    LessonOverview,
    Misunderstanding,
    ReportedCode,
)
from .reports import Row, Standings

UNEXPLAINED = "The answer differs, and no rule says why."

NAMES: Any = {"lessons": {"__all__": {"exercises": {"__all__": {"here": {"__all__": {"name"}}}}}}}
FOR_THE_INSTRUCTOR: Any = {
    "may_name": True,
    "join_token": True,
    "misunderstandings": {"__all__": {"example"}},
}
"""The parts of an overview that some aren't told, as Pydantic's `exclude` says it."""

Counts = dict[tuple[str, int, str], int]
"""Learners by lesson, exercise and status."""


class OverviewMaker:
    """Makes overviews of a course.

    Args:
        explain: what the id of a misconception means, in a sentence; empty if nobody knows.
        join_token: for the instructor's page.
        may_name: whether the instructor may see names.
    """

    def __init__(
        self,
        lessons: Sequence[Lesson],
        explain: Callable[[str], str],
        join_token: str,
        may_name: bool,
    ) -> None:
        self._lessons = {lesson.name: lesson for lesson in lessons}
        self._explain = explain
        self._join_token = join_token
        self._may_name = may_name

    def news(self, found: Standings, now: datetime) -> News:
        """What each kind of reader is told. What some must not see isn't sent to them."""
        overview = self._overview(found, now)
        hidden = overview.model_dump_json(exclude=NAMES)
        return News(
            room=overview.model_dump_json(exclude=NAMES | FOR_THE_INSTRUCTOR),
            instructor=hidden,
            names=overview.model_dump_json() if self._may_name else hidden,
        )

    def _overview(self, found: Standings, now: datetime) -> BoardOverview:
        counts = {(r["lesson"], r["exercise"], r["status"]): r["count"] for r in found.counts}
        places: defaultdict[tuple[str, int], list[LearnerPlace]] = defaultdict(list)
        for row in found.places:
            places[row["lesson"], row["exercise"]].append(_place(row, now))
        begun = {row["lesson"] for row in found.counts}
        return BoardOverview(
            learners=found.learners,
            here=len(found.places),
            misunderstandings=[
                self._misunderstanding(row, counts) for row in found.reasons if self._title(row)
            ],
            lessons=[
                _lesson(lesson, counts, places)
                for lesson in self._lessons.values()
                if lesson.name in begun
            ],
            may_name=self._may_name,
            join_token=self._join_token,
        )

    def _misunderstanding(self, row: Row, counts: Counts) -> Misunderstanding:
        return Misunderstanding(
            lesson=row["lesson"],
            exercise=row["exercise"],
            title=self._title(row),
            reason=row["reason"],
            says=self._explain(row["reason"]) or UNEXPLAINED,
            count=row["count"],
            tried=_tried(counts, row["lesson"], row["exercise"]),
            example=ReportedCode.model_construct(**json.loads(row["code"]))
            if row["code"]
            else None,
        )

    def _title(self, row: Row) -> str:
        """Of an exercise; empty if the course has it no longer."""
        lesson = self._lessons.get(row["lesson"])
        exercises = lesson.all_exercises if lesson else ()
        return next((one.title for one in exercises if one.number == row["exercise"]), "")


def _code(stored: str | None) -> ReportedCode | None:
    """What has been validated when it came. Spelled out, it may be longer than what may come."""
    return ReportedCode.model_construct(**json.loads(stored)) if stored else None


def _lesson(
    lesson: Lesson, counts: Counts, places: Mapping[tuple[str, int], list[LearnerPlace]]
) -> LessonOverview:
    return LessonOverview(
        name=lesson.name,
        title=lesson.title,
        exercises=[
            ExerciseOverview(
                number=one.number,
                title=one.title,
                passed=counts.get((lesson.name, one.number, "passed"), 0),
                failed=counts.get((lesson.name, one.number, "failed"), 0),
                here=places.get((lesson.name, one.number), []),
            )
            for one in lesson.all_exercises
            if one != lesson.warm_up or (lesson.name, one.number) in {key[:2] for key in counts}
        ],
    )


def _place(row: Row, now: datetime) -> LearnerPlace:
    minutes = int((now - row["since"]).total_seconds() // 60)
    return LearnerPlace(status=row["status"], minutes=minutes, name=row["name"])


def _tried(counts: Counts, lesson: str, exercise: int) -> int:
    return sum(counts.get((lesson, exercise, status), 0) for status in ("passed", "failed"))
