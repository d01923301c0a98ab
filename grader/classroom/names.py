"""What students are called where a whole room may look."""

from __future__ import annotations

import random
from collections.abc import Iterable
from contextlib import suppress

from ..course.catalog import Lesson, course, stub_source
from .redaction import Redaction
from .store import Attempt
from .work import Student


class Names:
    """Names of students, or numbers that don't tell who they are.

    Args:
        are_shown: whether the names themselves are given. Otherwise the numbers are drawn anew.
        common: texts whose words are nobody's name.
    """

    def __init__(
        self, students: Iterable[Student], are_shown: bool, common: Iterable[str] = ()
    ) -> None:
        by_key = {student.key: student for student in students}
        keys = sorted(by_key, key=lambda key: (by_key[key].name.casefold(), key))
        if not are_shown:
            random.SystemRandom().shuffle(keys)
        self.are_shown = are_shown
        self._places = {key: place for place, key in enumerate(keys)}
        self._by_key = {
            key: by_key[key].name if are_shown else f"student {number}"
            for number, key in enumerate(keys, 1)
        }
        self._redaction = None if are_shown else Redaction(by_key.values(), common)
        self._code: dict[str, str] = {}  # as shown, by source: many lines of a file may be

    def __getitem__(self, key: str) -> str:
        return self._by_key[key]

    def in_order(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """Attempts by what their students are called, so that their order tells no more."""
        return sorted(attempts, key=lambda attempt: self._places[attempt.student.key])

    def text(self, said: str) -> str:
        """What is said of a student's program, as it may be shown."""
        return self._redaction.text(said) if self._redaction else said

    def code(self, source: str) -> str:
        """A student's program as it may be shown, on the same lines."""
        if self._redaction is None:
            return source
        if source not in self._code:
            self._code[source] = self._redaction.code(source)
        return self._code[source]


def course_texts(lessons: Iterable[Lesson]) -> Iterable[str]:
    """What a course says and asks for in these lessons."""
    for lesson in lessons:
        yield stub_source(lesson) or ""
        for file in (course().solution(lesson), course().lesson_text(lesson)):
            with suppress(OSError):
                yield file.read_text("utf-8")
