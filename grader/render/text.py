"""Text of others (a learner's file, its output, its errors), made safe to be shown."""

from __future__ import annotations

import re
from html import escape

from rich.cells import cell_len, set_cell_size

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)

_NUMBER = re.compile(r" (#\d+|×\d+|\(line \d+\))$")


def printable(text: str) -> str:
    """Text without what XML forbids, what moves a cursor, or what turns lines around."""
    return _UNPRINTABLE.sub("·", text.replace("\r\n", "\n"))


def marked_up(text: str) -> str:
    """Text as HTML or XML shows it, also between quotation marks."""
    return escape(printable(text))


def cut(text: str, most: int) -> str:
    """At most that many columns. What goes is before the number or line at the end, if any."""
    if cell_len(text) <= most:
        return text
    found = _NUMBER.search(text)
    end = found[0] if found and len(found[0]) < most - 4 else ""
    return set_cell_size(text, most - 1 - len(end)).rstrip() + "…" + end


def counted(number: int, thing: str) -> str:
    """As in `1 hint` and `2 hints`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
