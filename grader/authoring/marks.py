"""Which mutants mean the same as the solution: what an author has said of them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..model.errors import InputError

_REMEDY = 'write each line like this: call-dropped-1a2b3c = "why it makes no difference"'


def marks_file(lesson: Lesson) -> Path:
    """`checks/same_dayNN.toml`: the mutants that mean the same, each with the reason."""
    return course().checks(lesson).with_name(f"same_{lesson.name}.toml")


def marks(lesson: Lesson) -> dict[str, str]:
    """The marked mutants by id, each with the reason; none if there is no such file.

    Raises:
        InputError: the file is not as it should be.
    """
    file = marks_file(lesson)
    if not file.is_file():
        return {}
    try:
        found = tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{shown(file)} isn't TOML: {error}", _REMEDY) from error
    for id_, why in found.items():
        if not isinstance(why, str) or not why.strip():
            raise InputError(f"{shown(file)} gives no reason for {id_}", _REMEDY)
    return found
