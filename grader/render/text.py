"""Text of others (a learner's file, its output, its errors), made safe to be shown."""

from __future__ import annotations

import re
from html import escape

from rich.cells import cell_len, set_cell_size

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tabs and ends of lines
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\u2028\u2029"  # further ends of lines
    "\xad\u200b\u2060-\u2064\ufeff\U000e0000-\U000e007f"  # what can't be seen
    "\ud800-\udfff\ufffe\uffff]"  # what no encoding has a form for, or XML forbids
)
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\[)", re.MULTILINE)
"""How a line begins, or what is in it, that GitHub takes for a command to a workflow."""

_NUMBER = re.compile(r" (#\d+|×\d+|\(line \d+\))$")


def printable(text: str) -> str:
    """Text in which what XML forbids, moves a cursor, ends a line in secret, turns it around or
    can't be seen is written as Python would write it: a real escape character as `\\x1b`."""
    return _UNPRINTABLE.sub(_escaped, text.replace("\r\n", "\n"))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def uncommanded(text: str) -> str:
    """Printable text, of which no line is a command where a workflow prints it."""
    return _COMMAND.sub(lambda found: f"{found[1] or ''}{_escaped_sign(found[0])}", printable(text))


def on_one_line(text: str) -> str:
    """Text as one line of a terminal."""
    return uncommanded(text.expandtabs(4).replace("\n", "\\n"))


def _escaped_sign(found: str) -> str:
    return f"\\x{ord(found[-1]):02x}"


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
