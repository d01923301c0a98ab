"""What students are called where a whole room may look."""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections.abc import Iterable
from contextlib import suppress

from .work import Student


class Names:
    """Names of students, or numbers that don't tell who they are.

    Args:
        are_shown: whether the names themselves are given.
    """

    def __init__(self, students: Iterable[Student], are_shown: bool) -> None:
        by_key = {student.key: student for student in students}
        mixed = sorted(by_key, key=lambda key: hashlib.sha256(key.encode()).digest())
        self.are_shown = are_shown
        self._by_key = {
            key: by_key[key].name if are_shown else f"student {number}"
            for number, key in enumerate(mixed, 1)
        }

    def __getitem__(self, key: str) -> str:
        return self._by_key[key]

    def code(self, source: str) -> str:
        """A student's program as it may be shown: with its comments only where names are."""
        return source if self.are_shown else _without_comments(source)


def _without_comments(source: str) -> str:
    """The same lines; a comment may say whose they are."""
    lines = source.splitlines(keepends=True)
    seen = 0
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            seen = token.end[0]
            if token.type == tokenize.COMMENT:
                row, column = token.start[0] - 1, token.start[1]
                lines[row] = f"{lines[row][:column]}#\n"
    # What comes after something that isn't Python: too much is cut there, rather than too little.
    return "".join([*lines[:seen], *(_cut(line) for line in lines[seen:])])


def _cut(line: str) -> str:
    before, sign, _ = line.partition("#")
    return f"{before}#\n" if sign else line
