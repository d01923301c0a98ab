"""The ladder of hints of an exercise, from `exercises/<lesson>/hints.md`."""

from __future__ import annotations

import re

from ..model.errors import GraderError
from .catalog import Exercise, Lesson, content_root


def ladders(lesson: Lesson) -> dict[int, tuple[str, ...]]:
    """The hints of all exercises, by number; of one that has none, no steps."""
    return {exercise.number: _steps(lesson, exercise) or () for exercise in lesson.exercises}


def ladder(lesson: Lesson, exercise: Exercise) -> tuple[str, ...]:
    """The steps of an exercise's hints, in order.

    Raises:
        GraderError: the exercise has none.
    """
    steps = _steps(lesson, exercise)
    if steps is None:
        raise GraderError(f"{lesson.name} has no hints for exercise {exercise.number}")
    return steps


def _steps(lesson: Lesson, exercise: Exercise) -> tuple[str, ...] | None:
    file = content_root() / "exercises" / lesson.name / "hints.md"
    text = file.read_text("utf-8") if file.is_file() else ""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        if re.match(rf"Exercise {exercise.number}\b", heading):
            steps = re.split(r"^### .*\n", body, flags=re.MULTILINE)[1:]
            return tuple(step.strip() for step in steps)
    return None
