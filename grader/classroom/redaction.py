"""What students have written, shown without what tells who they are.

Comments and docstrings are left out whole. Everywhere else, in code and in what is said of it, a
word that is a student's name gives way to `…`, whosever name it is: a program may be a copy. Words
that the course uses itself tell nothing, and stay.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress

from ..render.page import source_lines
from .roster import FIRST, KEYS, LAST
from .work import Student

WORD = re.compile(r"[^\W_]+")
SHORTEST_STEM = 4
"""Letters of a name that also tells where others follow or go before, as in `annas_app`."""
GONE = "…"
ENDS = frozenset({tokenize.NEWLINE, tokenize.COMMENT, tokenize.ENDMARKER})
"""What stands after a statement that is a string, and so a docstring or a remark."""
BEGINS = frozenset({tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT})
"""What stands before a statement, but for comments and empty lines."""


class Redaction:
    """Hides names of students.

    Args:
        students: all who may be named.
        common: texts whose words are nobody's.
    """

    def __init__(self, students: Iterable[Student], common: Iterable[str] = ()) -> None:
        known = {word for text in common for word in _words(text)}
        everyone = list(students)
        parts = {word for one in everyone for text in _names(one) for word in _parts(text)}
        self._parts = {word for word in parts if _is_name(word)} - known
        self._known = known
        whole = {one.name for one in everyone if self._is_common(one.name)}
        self._whole = re.compile("|".join(map(_whole, whole)) or r"(?!)", re.IGNORECASE)

    def text(self, said: str) -> str:
        """A text without names."""
        return WORD.sub(self._hidden, self._whole.sub(GONE, said))

    def code(self, source: str) -> str:
        """A program without names, comments and docstrings, on the same lines."""
        return self.text(_without_remarks(source))

    def _is_common(self, name: str) -> bool:
        """Whether each word of a full name is anybody's."""
        words = _words(name)
        return len(words) > 1 and self._parts.isdisjoint(words)

    def _hidden(self, found: re.Match[str]) -> str:
        return GONE if self._is_telling(found[0].casefold()) else found[0]

    def _is_telling(self, word: str) -> bool:
        if word in self._known:
            return False
        cuts = range(1, len(word))
        ends = {end for cut in cuts for end in (word[:cut], word[cut:])}
        long_ends = {end for end in ends if len(end) >= SHORTEST_STEM}
        return word in self._parts or not self._parts.isdisjoint(long_ends)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in WORD.findall(text)]


def _parts(name: str) -> list[str]:
    """The words of a name, and all of them in one, as in `AnnaEk`."""
    words = _words(name)
    return [*words, "".join(words), "".join(reversed(words))]


def _is_name(word: str) -> bool:
    """Whether it is more than a number, or an initial."""
    return len(word) > 1 and not word.isdigit()


def _names(student: Student) -> Iterator[str]:
    yield from (student.key, student.name, student.email)
    yield from (student.row.get(column, "") for column in (*KEYS, *FIRST, *LAST))


def _whole(name: str) -> str:
    """A pattern of a name of common words, which tells only as a whole."""
    words = r"[\W_]*".join(WORD.findall(name))
    return rf"(?<![^\W_]){words}(?![^\W_])"


def _without_remarks(source: str) -> str:
    lines = source_lines(source)
    found, seen = _remarks("\n".join(lines))
    for token in reversed(found):  # so that the places of those before it hold
        _leave_out(lines, token)
    # What comes after something that isn't Python: too much is cut there, rather than too little.
    return "\n".join([*lines[:seen], *(re.sub("#.*", "#", line) for line in lines[seen:])])


def _remarks(source: str) -> tuple[list[tokenize.TokenInfo], int]:
    """Its comments and docstrings, and the number of lines that are Python so far."""
    found: list[tokenize.TokenInfo] = []
    seen, before, string = 0, tokenize.NEWLINE, None
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            seen = token.end[0]
            if string is not None and token.type in ENDS:
                found.append(string)
            string = token if token.type == tokenize.STRING and before in BEGINS else None
            if token.type == tokenize.COMMENT:
                found.append(token)
            elif token.type != tokenize.NL:
                before = token.type
    return found, seen


def _leave_out(lines: list[str], token: tokenize.TokenInfo) -> None:
    """Put a sign in its place, and leave empty the other lines that it is on."""
    (first, start), (last, end) = token.start, token.end
    sign = "#" if token.type == tokenize.COMMENT else f'"{GONE}"'
    said = lines[first - 1][:start] + sign + lines[last - 1][end:]
    lines[first - 1 : last] = [said, *[""] * (last - first)]
