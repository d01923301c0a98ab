"""What a class has handed in: from a folder, or from the archive that a platform gives."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ..course.catalog import Lesson
from ..model.errors import InputError
from .layouts import HandIn, hand_ins
from .picking import Picked
from .reading import BROKEN, FoundFile, Unreadable, as_text, is_archive, read_place
from .roster import Roster
from .work import Work

MOST_UNPACKED = 4 * 1024**3
"""Bytes of a whole class, when its archive is opened."""
NOTHING = "nothing was handed in"


def works(
    place: Path, lessons: Sequence[Lesson], names: Path | None = None, file_times: bool = False
) -> list[Work]:
    """Each student's work on each of these lessons, those that can't be graded among them.

    Args:
        place: the folder or the archive of a class.
        names: a CSV file that says what the students are called.
        file_times: whether files were handed in when they were last changed.

    Raises:
        InputError: there is nothing, or it can't be read.
    """
    roster = Roster(names) if names else None
    with _folder_of(place) as folder:
        found = hand_ins(folder)
        if not found:
            raise InputError(f"{place} holds nothing that was handed in", "is it the right folder?")
        everyone = roster.named(found) if roster else found
        each = [work for one in everyone for work in _of_student(one, lessons, file_times)]
    return sorted(each, key=lambda work: (work.lesson, work.student.key))


def _of_student(one: HandIn, lessons: Sequence[Lesson], file_times: bool) -> Iterator[Work]:
    try:
        files, problem = _files(one), "" if one.places else NOTHING
    except Unreadable as error:
        files, problem = [], str(error)
    for lesson in lessons:
        yield _work(one, lesson, files, problem, file_times)


def _files(one: HandIn) -> list[FoundFile]:
    return [found for place in one.places for found in read_place(*place)]


def _work(
    one: HandIn, lesson: Lesson, files: Sequence[FoundFile], problem: str, file_times: bool
) -> Work:
    where = ", ".join(as_text(place.path.name) for place in one.places)
    try:
        if problem:
            raise Unreadable(problem)
        picked = Picked(files, lesson)
    except Unreadable as error:
        return Work(student=one.student, lesson=lesson.name, file=where, problem=str(error))
    return Work(
        student=one.student,
        lesson=lesson.name,
        file=str(picked.found.path),
        source=picked.source,
        helpers=picked.helpers,
        submitted=one.submitted or (picked.found.modified if file_times else None),
        is_late=one.is_late,
    )


@contextmanager
def _folder_of(place: Path) -> Iterator[Path]:
    """The folder, or one with what the archive holds, for as long as the block lasts."""
    if place.is_dir():
        yield place
    elif place.is_file() and is_archive(place.name):
        with tempfile.TemporaryDirectory() as folder:
            yield _unpacked(place, Path(folder))
    else:
        what = "isn't a folder or a zip" if place.exists() else "isn't there"
        raise InputError(f"{place} {what}", "name the folder with what was handed in")


def _unpacked(archive: Path, folder: Path) -> Path:
    target = folder / archive.stem
    target.mkdir()
    try:
        with zipfile.ZipFile(archive) as opened:
            # No entry gives more bytes than it states, nor leads out of the folder.
            if sum(info.file_size for info in opened.infolist()) > MOST_UNPACKED:
                raise InputError(f"{archive} holds more than a class", "unpack it yourself")
            for info in opened.infolist():
                _unpack(opened, info, target)
    except (*BROKEN, OSError) as error:
        raise InputError(f"{archive} can't be opened: {error}", "download it again") from error
    return target


def _unpack(opened: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    file = opened.extract(info, target)
    with suppress(ValueError, OverflowError):  # a time that isn't one
        when = datetime(*info.date_time).timestamp()
        os.utime(file, (when, when))
