"""Which of the files that a student has handed in holds the answers to a lesson."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from ..course.catalog import Lesson, course
from ..course.files import source_of
from ..model.errors import InputError
from .reading import FoundFile, Unreadable

FACTORY = re.compile(rb"^\s*(async\s+)?def\s+exercise_\d+\b", re.MULTILINE)
OTHER_FORMS = {
    ".ipynb": "a notebook; ask for the file exercise.py",
    **dict.fromkeys(
        (".rar", ".7z", ".gz", ".tar"), "an archive of a kind that isn't opened; ask for a zip"
    ),
}
MOST_NAMED = 3
MOST_BESIDE = 2 * 1024 * 1024
"""Bytes of what lies beside the answers that are kept, of each student's until the end."""


class Picked:
    """The answers to a lesson among a student's files.

    Attributes:
        found: the file itself.
        source: its text.
        helpers: what lies beside it, by its path from there.

    Raises:
        Unreadable: there are none, or it isn't clear which they are.
    """

    def __init__(self, files: Sequence[FoundFile], lesson: Lesson) -> None:
        others = {one.name for one in course().lessons} - {lesson.name}
        self.found = _pick(files, lesson.name, others)
        self.source = _text_of(self.found)
        self.helpers = _helpers(self.found, files)


def _helpers(found: FoundFile, files: Sequence[FoundFile]) -> dict[str, bytes]:
    """What lies beside the answers, programs first, as long as it isn't too much."""
    folder = found.path.parent
    beside = [one for one in files if one is not found and one.path.is_relative_to(folder)]
    helpers: dict[str, bytes] = {}
    left = MOST_BESIDE
    for one in sorted(beside, key=lambda one: (one.path.suffix != ".py", one.path)):
        if one.data is not None and len(one.data) <= left:
            left -= len(one.data)
            helpers[str(one.path.relative_to(folder))] = one.data
    return helpers


def _text_of(found: FoundFile) -> str:
    if found.data is None:
        raise Unreadable(f"{found.path.name} is too large to be a file of answers")
    try:
        return source_of(found.data, Path(found.path.name))
    except InputError as error:
        raise Unreadable(error.problem) from error


def _pick(files: Sequence[FoundFile], lesson: str, others: set[str]) -> FoundFile:
    """The likeliest file; each reason of `_rank` counts for more than all that come after it."""
    real = [one for one in files if not one.is_link]
    programs = [one for one in real if one.path.suffix.lower() == ".py"]
    written = [one for one in programs if not _is_the_courses(one.path)]
    mine = [one for one in written if not _names_any(one.path, others)]
    if not mine:
        raise Unreadable(_why_none(files, lesson, bool(programs)))
    ranks = {one.path: _rank(one, lesson) for one in mine}
    best = min(ranks.values())
    first = [one for one in mine if ranks[one.path] == best]
    if len(first) > 1 and len({one.data for one in first}) > 1:
        names = ", ".join(str(one.path) for one in first[:MOST_NAMED])
        raise Unreadable(f"several files could be the answers to {lesson}: {names}")
    return first[0]


def _is_the_courses(path: PurePosixPath) -> bool:
    """Whether it is a solution, a check or a case, as in a clone of the whole course."""
    folders = course().folders
    own = (folders.solutions, folders.checks, folders.mistakes)
    return any(f"/{folder}/" in f"/{path}" for folder in own)


def _rank(found: FoundFile, lesson: str) -> tuple[bool, ...]:
    """The lower, the likelier."""
    return (
        not _names_any(found.path, {lesson}),
        found.data is None or FACTORY.search(found.data) is None,
        found.path.name != "exercise.py",
        "exercises" not in found.path.parts,
    )


def _names_any(path: PurePosixPath, lessons: set[str]) -> bool:
    """Whether a folder or the file is named after one of these lessons."""
    *folders, file = path.parts
    words = set(re.split(r"[^A-Za-z0-9]+", path.stem.lower()))
    named = {lesson.lower() for lesson in lessons}
    return bool(named & {*words, *(folder.lower() for folder in folders), file.lower()})


def _why_none(files: Sequence[FoundFile], lesson: str, has_programs: bool) -> str:
    if has_programs:
        return f"there is no file for {lesson}"
    reasons = [f"{one.path.name} is {_what_it_is(one)}" for one in files if _what_it_is(one)]
    if reasons:
        return reasons[0]
    names = ", ".join(one.path.name for one in files[:MOST_NAMED])
    return f"there is no Python file in it, only {names}" if files else "it is empty"


def _what_it_is(found: FoundFile) -> str:
    """Why it can't be the answers, if its kind says so."""
    if found.is_link:
        return "a link, not a file"
    return OTHER_FORMS.get(found.path.suffix.lower(), "")
