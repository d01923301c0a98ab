"""What is still to be written: the marks that `grade dev new` leaves in the files of a lesson."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..course.catalog import TABLE, Lesson, course
from ..course.files import shown
from ..model.problems import Problem

MARK = re.compile(r"(?:<!--|#) TO WRITE: (?P<what>.+?)(?: -->)?$", re.MULTILINE)
"""A comment, on a line of its own or at the end of one."""


def unwritten(lesson: Lesson) -> Iterator[Problem]:
    """The marks in all files of a lesson, and in its entries of `course.toml`."""
    for file in _files(lesson):
        if file.is_file():
            text = file.read_text("utf-8")
            for found in MARK.finditer(text):
                yield _problem(file, text, found)
    table = course().root / TABLE
    text = table.read_text("utf-8")
    for part in re.finditer(rf"^\[lessons\.{lesson.name}[.\]][^\[]*", text, re.MULTILINE):
        for found in MARK.finditer(text, part.start(), part.end()):
            yield _problem(table, text, found)


def without_marks(text: str) -> str:
    """A text without its marks, and without the lines that held nothing else."""
    alone = re.sub(rf"^ *{MARK.pattern}\n\n?", "", text, flags=re.MULTILINE)
    return re.sub(rf" *{MARK.pattern}", "", alone, flags=re.MULTILINE)


def _files(lesson: Lesson) -> Iterable[Path]:
    found = course()
    folders = found.exercises(lesson), found.solution(lesson).parent, found.mistakes(lesson)
    return (
        found.lesson_text(lesson),
        found.quiz(lesson),
        found.checks(lesson),
        *(file for folder in folders for file in sorted(folder.glob("*"))),
    )


def _problem(file: Path, text: str, found: re.Match[str]) -> Problem:
    line = text.count("\n", 0, found.start()) + 1
    return Problem(shown(file), line, f"still to write: {found['what']}")
