"""What students have handed in, as plain data."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec


class Student(msgspec.Struct, frozen=True, kw_only=True):
    """A student, as the files and the list of names know them.

    Attributes:
        key: tells students apart, in this run and in later ones: what the files are named after.
        number: the number that the learning platform gives them, if there is one.
        row: their row in the list of names, by its header: exports give it back.
    """

    key: str
    name: str
    email: str = ""
    number: str = ""
    row: dict[str, str] = {}


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One student's answers to one lesson.

    Attributes:
        file: where they were found, seen from the folder of the class.
        source: their text; empty if there is a problem.
        helpers: what lies beside them, by its path from there.
        submitted: when they were handed in, if that is known.
        is_late: whether the platform says that they were late.
        problem: why they can't be graded.
    """

    student: Student
    lesson: str
    file: str = ""
    source: str = ""
    helpers: dict[str, bytes] = {}
    submitted: datetime | None = None
    is_late: bool = False
    problem: str = ""

    @property
    def digest(self) -> str:
        """What identifies the content: works that have the same are the same work."""
        if self.problem:
            return ""
        found = hashlib.sha256(self.source.encode())
        for name, data in sorted(self.helpers.items()):
            found.update(f"\0{name}\0{len(data)}\0".encode() + data)
        return found.hexdigest()
