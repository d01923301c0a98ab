"""The ladder of hints of an exercise, from `exercises/<lesson>/hints.md`."""

from __future__ import annotations

import re

from ..model.errors import GraderError
from .catalog import Exercise, Lesson, course
from .languages import translated

_SECTION = re.compile(r"\(\S*?lessons/([\w-]+)(?:\.[a-z]{2,3})?\.md#([\w-]+)\)")


def ladders(lesson: Lesson) -> dict[int, tuple[str, ...]]:
    """The hints of all exercises, by number; of one that has none, no steps."""
    found = _all_steps(lesson)
    return {exercise.number: found.get(exercise.number, ()) for exercise in lesson.all_exercises}


def ladder(lesson: Lesson, exercise: Exercise) -> tuple[str, ...]:
    """The steps of an exercise's hints, in order.

    Raises:
        GraderError: the exercise has none.
    """
    steps = _all_steps(lesson).get(exercise.number)
    if steps is None:
        raise GraderError(f"{lesson.name} has no hints for exercise {exercise.number}")
    return steps


def section_of(lesson: Lesson, exercise: Exercise) -> str:
    """The anchor of the lesson's section that an exercise is about: the first one that its
    hints name; empty if they name none."""
    found = _SECTION.search("\n".join(_all_steps(lesson).get(exercise.number, ())))
    return found[2] if found and found[1] == lesson.name else ""


def first_section(text: str) -> str:
    """The first section that a text refers to, as words of `grade lesson`; empty without one."""
    found = _SECTION.search(text)
    return f"{found[1]} {found[2]}" if found else ""


def _all_steps(lesson: Lesson) -> dict[int, tuple[str, ...]]:
    """The steps of each exercise that has a heading in the file of hints, by its number."""
    file = translated(course().hints(lesson))
    text = file.read_text("utf-8") if file.is_file() else ""
    found: dict[int, tuple[str, ...]] = {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        if named := re.match(r"Exercise (\d+)\b", heading):
            steps = re.split(r"^### .*\n", body, flags=re.MULTILINE)[1:]
            found.setdefault(int(named[1]), tuple(step.strip() for step in steps))
    return found
