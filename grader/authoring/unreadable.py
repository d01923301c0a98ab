"""Files of a lesson that can't be read: what isn't UTF-8, and programs that aren't Python."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..course.languages import translations
from ..judge.diagnoses.own import rules_file
from ..model.problems import Problem
from .marks import marks_file


def unreadable(lesson: Lesson) -> Iterator[Problem]:
    """The files that the others are looked at with. An answer of the bank may be anything."""
    found = course()
    texts = found.lesson_text(lesson), found.hints(lesson), found.quiz(lesson)
    read = [file for text in texts for file in (text, *translations(text))]
    read += [marks_file(lesson), *sorted(found.mistakes(lesson).glob("*.toml"))]
    for file in filter(Path.is_file, read):
        yield from _not_utf8(file)
    for file in filter(Path.is_file, _programs(lesson)):
        yield from _not_utf8(file) or _not_python(file)


def _programs(lesson: Lesson) -> dict[Path, None]:
    found = course()
    checks = found.checks(lesson)
    mine = checks, rules_file(checks), found.solution(lesson), found.answers(lesson)
    return dict.fromkeys((*mine, found.stub(lesson)))


def _not_utf8(file: Path) -> list[Problem]:
    raw = file.read_bytes()
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"this isn't UTF-8: byte 0x{raw[error.start]:02x}"
        return [Problem(shown(file), line, what, "save it with the encoding UTF-8")]
    return []


def _not_python(file: Path) -> list[Problem]:
    try:
        with warnings.catch_warnings(action="ignore"):
            ast.parse(file.read_bytes())
    except SyntaxError as error:
        what = f"this isn't Python: {error.msg}"
        return [Problem(shown(file), error.lineno or 1, what)]
    except ValueError as error:  # a null byte
        return [Problem(shown(file), 1, f"this isn't Python: {error}")]
    return []
