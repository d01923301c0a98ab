"""The list of a class: a CSV file that says what the students are called."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from ..model.errors import InputError
from .layouts import HandIn
from .work import Student

KEYS = (
    "key",
    "id",
    "github_username",
    "identifier",
    "file",
    "folder",
    "submission",
    "username",
    "login",
    "sis login id",
    "sis user id",
    "student id",
    "sid",
    "id number",
    "email",
    "email address",
    "name",
    "full name",
    "student",
)
"""Headers of columns that may say whose a submission is. The first that a list has gives the
key of a student who has handed in nothing."""
NAMES = ("name", "full name", "student")
FIRST, LAST = ("first name", "first"), ("last name", "surname", "last")
EMAILS = ("email", "email address", "sis login id")
TIMES = ("submitted", "last modified (submission)")
TIME_FORMS = ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M", "%d/%m/%Y %H:%M")
"""Of Moodle's, besides ISO dates."""
MOODLES = "participant "
"""What stands in Moodle's list before the number that its folders have."""


class Roster:
    """A class's list.

    Args:
        file: a CSV file with a header: Moodle's, Canvas's, Gradescope's, GitHub's, or your own.

    Raises:
        InputError: it can't be read, or no column of it says whose a submission is.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows = list(_rows(file))
        self._by_word: dict[str, list[dict[str, str]]] = {}
        for row in self._rows:
            for word in {_plain(row[key]) for key in KEYS if row.get(key)}:
                self._by_word.setdefault(word, []).append(row)

    def named(self, found: Iterable[HandIn]) -> Iterator[HandIn]:
        """The hand-ins with the names of the list, and an empty one for everyone else in it."""
        seen: set[int] = set()
        for one in found:
            row = self._row_of(one.student)
            if row is None:
                yield one
            else:
                seen.add(id(row))
                when = _time(_first(row, TIMES)) or one.submitted
                yield one._replace(student=_named(one.student, row), submitted=when)
        for row in self._rows:
            key = re.sub(f"(?i)^{MOODLES}", "", _first(row, KEYS))
            if id(row) not in seen and key:
                yield HandIn(_named(Student(key=key, name=key), row), ())

    def _row_of(self, student: Student) -> dict[str, str] | None:
        for word in (student.key, student.email, student.name):
            rows = self._by_word.get(_plain(word), [])
            if len(rows) > 1:
                remedy = "give each student a word of their own in one of its columns"
                raise InputError(f"{self._file} has {len(rows)} rows with {word!r}", remedy)
            if rows:
                return rows[0]
        return None


def _rows(file: Path) -> Iterator[dict[str, str]]:
    """By the headers in lower case; Canvas's own line of points is left out."""
    try:
        text = file.read_text("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}", "name another list") from error
    except (ValueError, csv.Error) as error:
        raise InputError(f"{file} can't be read: {error}", "save it as CSV in UTF-8") from error
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if not set(header) & {*KEYS, *FIRST}:
        remedy = f"one of its columns has to be called {', '.join(KEYS[:6])} or {KEYS[-1]}"
        raise InputError(f"{file} doesn't say whose a submission is", remedy)
    for line in lines[1:]:
        row = {name: value.strip() for name, value in zip(header, line, strict=False)}
        if any(row.values()) and _first(row, NAMES).lower() != "points possible":
            yield row


def _plain(word: str) -> str:
    return word.strip().lower().removeprefix(MOODLES)


def _first(row: dict[str, str], names: Iterable[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _named(student: Student, row: dict[str, str]) -> Student:
    both = f"{_first(row, FIRST)} {_first(row, LAST)}".strip()
    return msgspec.structs.replace(
        student,
        name=_first(row, NAMES) or both or student.name,
        email=_address(row) or student.email,
        row=row,
    )


def _address(row: dict[str, str]) -> str:
    """An e-mail address, which at many schools is the login, and at others isn't."""
    return next((row[name] for name in EMAILS if "@" in row.get(name, "")), "")


def _time(text: str) -> datetime | None:
    """A time without a zone is one of this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        pass
    for form in TIME_FORMS:
        try:
            return datetime.strptime(text, form).astimezone()
        except ValueError:
            continue
    return None
