"""A learner's answer and the solution: side by side, or merged as a diff."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import groupby, zip_longest

from rich.console import Console
from rich.text import Text

from .code import clipped, code_width, highlighted
from .text import printable

BESIDE_FROM = 100
"""Columns from which there is room for both side by side."""
WIDEST = 180

_STYLES = {"- ": "red", "+ ": "green", "  ": ""}

Pair = tuple[str | None, str | None]
"""A line of one text and that of the other; None where one has no such line."""


def show_code(code: str, console: Console) -> None:
    """Print a program, a little further in."""
    for line in highlighted(code):
        console.print(clipped(Text("  ") + line, code_width(console)), soft_wrap=True)


def show_comparison(
    yours: str,
    solution: str,
    console: Console,
    names: tuple[str, str] = ("yours", "the solution"),
) -> None:
    """Print two programs so that their differences can be seen, with colours or without.

    Args:
        names: what the two are called.
    """
    pairs = list(_pairs(_lines(yours), _lines(solution)))
    show = _show_beside if console.width >= BESIDE_FROM else _show_within
    show(pairs, console, names)


def _lines(code: str) -> list[str]:
    return [printable(line.expandtabs(4)).rstrip() for line in code.split("\n")]


def _pairs(yours: list[str], solution: list[str]) -> Iterator[Pair]:
    """The lines of both, equal lines side by side."""
    for _, i, j, k, m in SequenceMatcher(None, yours, solution, autojunk=False).get_opcodes():
        yield from zip_longest(yours[i:j], solution[k:m])


def _show_beside(pairs: list[Pair], console: Console, names: tuple[str, str]) -> None:
    width = (min(console.width, WIDEST) - 3) // 2
    console.print(_beside(Text(f"- {names[0]}", "bold"), Text(f"+ {names[1]}", "bold"), width))
    for left, right in pairs:
        is_same = left == right
        ours = _signed(left, "  " if is_same else "- ", width)
        theirs = _signed(right, "  " if is_same else "+ ", width)
        console.print(_beside(ours, theirs, width), soft_wrap=True)


def _beside(left: Text, right: Text, width: int) -> Text:
    left = left.copy()
    left.pad_right(width - left.cell_len)
    return left + Text(" │ ", "dim") + right


def _show_within(pairs: list[Pair], console: Console, names: tuple[str, str]) -> None:
    console.print(Text(f"- {names[0]}\n", "bold red") + Text(f"+ {names[1]}\n", "bold green"))
    for is_same, group in groupby(pairs, lambda pair: pair[0] == pair[1]):
        chunk = list(group)
        if is_same:
            lines = [(left, "  ") for left, _ in chunk]
        else:  # the solution's lines stand below all that they replace
            lines = [*((left, "- ") for left, _ in chunk), *((right, "+ ") for _, right in chunk)]
        for line, sign in lines:
            if line is not None:
                console.print(_signed(line, sign, code_width(console)), soft_wrap=True)


def _signed(line: str | None, sign: str, width: int) -> Text:
    """A line behind its sign; nothing for none."""
    return Text() if line is None else clipped(Text((sign + line).rstrip(), _STYLES[sign]), width)
