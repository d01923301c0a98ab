"""Results as Markdown: a table for a wiki, a comment, or the summary of a workflow."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...course.catalog import Lesson
from ...model.report import ExerciseReport
from ...render.signs import SIGNS
from ...render.text import printable
from ..gradebook import Graded
from ..points import Score
from .tables import points


def to_markdown(graded: Graded) -> str:
    """A table for each lesson: a student in each row, an exercise in each column."""
    return "\n".join(line for lesson, scores in graded for line in _table(lesson, list(scores)))


def _table(lesson: Lesson, scores: list[Score]) -> Iterator[str]:
    numbers = [exercise.number for exercise in lesson.exercises]
    yield f"## {lesson.name}: {_cell(lesson.title)}\n"
    yield f"| student | {' | '.join(map(str, numbers))} | points |"
    yield f"|---|{':-:|' * len(numbers)}--:|"
    for score in scores:
        found = {one.number: one for one in score.attempt.exercises}
        signs = " | ".join(_sign(found.get(number)) for number in numbers)
        yield f"| {_cell(score.attempt.student.name)} | {signs} | {points(score)} |"
    yield ""


def _sign(exercise: ExerciseReport | None) -> str:
    if exercise is None:
        return ""
    check = exercise.first_failure
    reason = check.reason if check else None
    return SIGNS[exercise.status] + (f" `{reason}`" if reason else "")


def _cell(text: str) -> str:
    """Text of others, which neither ends its cell nor becomes a link or a picture."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>&~@])", r"\\\1", " ".join(printable(text).split()))
