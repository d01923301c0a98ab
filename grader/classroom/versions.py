"""What a verdict depends on besides the answer: the kit, and the files of the course."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ..course.catalog import Lesson, course
from ..model.version import VERSION
from ..processes.spawn import PACKAGE


@cache
def kit_version() -> str:
    """The version of the kit, and what identifies its code: between releases, too, it changes."""
    return f"{VERSION}+{_digest(sorted(Path(PACKAGE).rglob('*.py')))}"


@cache
def course_version(lesson: Lesson) -> str:
    """What identifies all that the course has to say of an answer to a lesson."""
    found = course()
    files = [found.checks(lesson), found.solution(lesson), found.stub(lesson)]
    seeds = sorted(found.exercises(lesson).glob("exercise_*.*"))
    return _digest([*files, *seeds])


def _digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        if file.is_file():
            whole.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return whole.hexdigest()[:12]
