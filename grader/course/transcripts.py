"""What a program prints, and what a learner says that it prints.

Line by line. Blank lines, spaces, upper and lower case, and the kind of quotation marks don't
count, and numbers count by their value: 3, 3.0 and 3.00 are the same.
"""

from __future__ import annotations

import re

import msgspec

_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d]\w*|[^\w\s]")


class LineDifference(msgspec.Struct, frozen=True):
    """The first line that differs.

    Attributes:
        line: its number, from one; blank lines are not counted.
        given: empty if fewer lines were given than are printed.
        printed: empty if fewer lines are printed than were given.
    """

    line: int
    given: str
    printed: str


def first_difference(given: str, printed: str) -> LineDifference | None:
    """Where the given lines leave the printed ones; None if they are the same."""
    ours, theirs = _lines(given), _lines(printed)
    for index in range(max(len(ours), len(theirs))):
        pair = [lines[index] if index < len(lines) else "" for lines in (ours, theirs)]
        if words(pair[0]) != words(pair[1]):
            return LineDifference(index + 1, *pair)
    return None


def words(line: str) -> list[str | float]:
    """The words, numbers and signs of a line, so that lines that mean the same give the same."""
    found = _WORD.findall(line.replace('"', "'").casefold())
    return [float(word) if word[0].isdecimal() else word for word in found]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
