"""The ladder of hints of an exercise, from `exercises/<lesson>/hints.md`."""

from __future__ import annotations

import re

from .course import Exercise, Lesson, content_root
from .errors import GraderError


def ladder(lesson: Lesson, exercise: Exercise) -> tuple[str, ...]:
    """The steps of an exercise's hints, in order.

    Raises:
        GraderError: the exercise has none.
    """
    file = content_root() / "exercises" / lesson.name / "hints.md"
    text = file.read_text("utf-8") if file.is_file() else ""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        if re.match(rf"Exercise {exercise.number}\b", heading):
            steps = re.split(r"^### .*\n", body, flags=re.MULTILINE)[1:]
            return tuple(step.strip() for step in steps)
    raise GraderError(f"{lesson.name} has no hints for exercise {exercise.number}")
