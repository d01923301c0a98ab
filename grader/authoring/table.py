"""Adds lessons and exercises to a `course.toml`, and leaves all else in it as it is."""

from __future__ import annotations

import re
import tomllib

from ..course.catalog import Exercise, Lesson
from ..model.errors import InputError

TITLE = "Waiting for what you fetch"
"""Of a lesson that is new."""

EXERCISE_TITLE = "A thing that is fetched"


def with_lesson(table: str, lesson: Lesson) -> str:
    """The text of a `course.toml` with one more lesson."""
    lines = [
        f"[lessons.{lesson.name}]",
        f'title = "{lesson.title}"  # TO WRITE: the title',
        f"minutes = {lesson.minutes}  # TO WRITE: to read it and run its programs",
        "",
        f"[lessons.{lesson.name}.exercises]",
        *map(_entry, lesson.exercises),
    ]
    return table.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n"


def with_exercise(table: str, lesson: Lesson, exercise: Exercise) -> str:
    """The text of a `course.toml` with one more exercise of a lesson.

    Raises:
        InputError: there is no table in it to which a line can be added.
    """
    head = rf"^\[lessons\.{re.escape(lesson.name)}\.exercises\] *(#.*)?\n([^\[\n].*\n)*"
    found = re.search(head, table := table.rstrip("\n") + "\n", re.MULTILINE)
    if found is None:
        what = f"course.toml has no [lessons.{lesson.name}.exercises] of its own"
        raise InputError(what, f"add the exercise by hand: {_entry(exercise)}")
    grown = table[: found.end()] + _entry(exercise) + "\n" + table[found.end() :]
    tomllib.loads(grown)
    return grown


def _entry(exercise: Exercise) -> str:
    return f'{exercise.number} = "{exercise.title}"  # TO WRITE: its title'
