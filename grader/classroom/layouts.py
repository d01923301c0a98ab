"""How learning platforms lay out what they let an instructor download.

Each name in the folder of a class is taken for what it looks like: Moodle's, Canvas's, or a
folder or a file that is called after a student. Gradescope has a list beside its folders, and
clones of GitHub's classroom are called after the assignment, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from ..course.catalog import course
from ..model.errors import InputError
from .reading import as_text
from .work import Student

MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_(file|onlinetext)_?(?P<file>.*)")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)")
GRADESCOPE = "submission_metadata.yml"
EXPORT = re.compile(r"assignment_\d+_export|.+-submissions")
"""The one folder of a download, which holds those of the students."""

NO_HAND_INS = re.compile(r"\.(csv|css|db|html?|json|jsonl|md|sqlite|toml|tsv|xml|ya?ml)")
"""Suffixes of files that lie beside what students have handed in."""


class FilePlace(NamedTuple):
    """A file or folder of a student's, and what the student called it."""

    path: Path
    name: str


class HandIn(NamedTuple):
    """What a student has handed in, not yet read.

    Attributes:
        is_late: whether the platform says so.
    """

    student: Student
    places: tuple[FilePlace, ...]
    submitted: datetime | None = None
    is_late: bool = False


def hand_ins(folder: Path) -> list[HandIn]:
    """Each student's, in the order of their keys.

    Raises:
        InputError: the list of a download from Gradescope can't be read.
    """
    entries = _entries(folder)
    while len(entries) == 1 and entries[0].is_dir() and EXPORT.fullmatch(entries[0].name):
        folder, entries = entries[0], _entries(entries[0])
    if (folder / GRADESCOPE).is_file():
        found = list(_gradescope(folder))
    else:
        prefix = _assignment(folder, entries)
        found = [_hand_in(entry, prefix) for entry in entries if _may_be_students(entry)]
    return sorted(_merged(found), key=lambda one: one.student.key)


def _entries(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if not one.name.startswith((".", "__MACOSX")))


def _may_be_students(entry: Path) -> bool:
    return entry.is_dir() or not NO_HAND_INS.fullmatch(entry.suffix.lower())


def _hand_in(entry: Path, prefix: str) -> HandIn:
    name = as_text(entry.name)
    if found := MOODLE.fullmatch(name):
        student = Student(key=found["id"], name=found["name"], number=found["id"])
        return HandIn(student, (FilePlace(entry, found["file"]),))
    if not entry.is_dir() and (found := CANVAS.fullmatch(name)):
        student = Student(key=found["id"], name=found["name"], number=found["id"])
        return HandIn(student, (FilePlace(entry, found["file"]),), None, bool(found["late"]))
    key = _without_lesson(name if entry.is_dir() else as_text(entry.stem)).removeprefix(prefix)
    return HandIn(Student(key=key, name=key), (FilePlace(entry, name),))


def _without_lesson(name: str) -> str:
    """`anna` for `anna_day53` and `day53-anna`."""
    lessons = "|".join(re.escape(lesson.name) for lesson in course().lessons)
    return re.sub(rf"(?i)^({lessons})[-_. ]+(?=.)|(?<=.)[-_. ]+({lessons})$", "", name)


def _assignment(folder: Path, entries: Sequence[Path]) -> str:
    """What the names of all clones of an assignment begin with; empty if these aren't clones."""
    clones = [entry for entry in entries if (entry / ".git").exists()]
    is_download = folder.name.endswith("-submissions")
    if len(clones) < 2 or not (is_download or clones == [e for e in entries if e.is_dir()]):
        return ""
    words = zip(*(_without_lesson(clone.name).split("-")[:-1] for clone in clones), strict=False)
    return "".join(f"{same[0]}-" for same in takewhile(lambda same: len({*same}) == 1, words))


def _merged(found: Sequence[HandIn]) -> Iterator[HandIn]:
    """One for each student, with all that is theirs."""
    by_key: dict[str, list[HandIn]] = {}
    for one in found:
        by_key.setdefault(one.student.key, []).append(one)
    for same in by_key.values():
        places = tuple(place for one in same for place in one.places)
        yield same[0]._replace(places=places, is_late=any(one.is_late for one in same))


# Gradescope


def _gradescope(folder: Path) -> Iterator[HandIn]:
    """Those of the list: a submission of a group is each of its members'."""
    for name, entry in _metadata(folder / GRADESCOPE).items():
        place = FilePlace(folder / name, "")
        submitted = _time(entry.get(":created_at"))
        for member in entry.get(":submitters") or [{}]:
            yield HandIn(_member(member, name), (place,), submitted)


def _metadata(file: Path) -> dict[str, Any]:
    """The list, with all its values as text: no object that it names is made."""
    try:
        table = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)
        if not all(isinstance(entry, dict) for entry in table.values()):
            raise ValueError("an entry isn't a table")
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        remedy = "download the submissions from Gradescope again"
        raise InputError(f"{file} can't be read: {error}", remedy) from error
    return {str(name): entry for name, entry in table.items()}


def _member(member: dict[str, str], submission: str) -> Student:
    number, email = member.get(":sid") or "", member.get(":email") or ""
    key = number or email or submission
    return Student(key=key, name=member.get(":name") or key, email=email, number=number)


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat((text or "").replace(" Z", "+00:00"))
    except ValueError:
        return None
    return found.astimezone()
