"""The course that an author writes in: that of the current folder, and no other."""

from __future__ import annotations

from pathlib import Path

from ..course.catalog import Course, course
from ..model.errors import UsageError


def own_course() -> Course:
    """The course whose files may be changed here.

    Raises:
        UsageError: the current folder is in none. What an installation carries, or
            `GRADER_COURSE` names, is used, and not written.
    """
    found = course()
    if not Path.cwd().resolve().is_relative_to(found.root.resolve()):
        raise UsageError(
            "this folder isn't part of a course with checks and solutions",
            "go to the one that you write in, or make one: grade dev course my-course",
        )
    return found
