"""A learner's answer and the solution: beside each other, or one in the other."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import groupby, zip_longest

from rich.console import Console
from rich.text import Text

from .code import folded, highlighted
from .text import printable

BESIDE_FROM = 100
"""Columns from which there is room for both beside each other."""
WIDEST = 180

_STYLES = {"- ": "red", "+ ": "green", "  ": ""}

Pair = tuple[str | None, str | None]
"""A line of one text and that of the other; None where one has no such line."""


def show_code(code: str, console: Console) -> None:
    """Print a program, a little further in."""
    for line in highlighted(code):
        for part in folded(line, console.width - 2):
            console.print(Text("  ") + part)


def show_comparison(yours: str, solution: str, console: Console) -> None:
    """Print two programs so that their differences can be seen, with colours or without."""
    pairs = list(_pairs(_lines(yours), _lines(solution)))
    if console.width >= BESIDE_FROM:
        _show_beside(pairs, console)
    else:
        _show_within(pairs, console)


def _lines(code: str) -> list[str]:
    return [printable(line.expandtabs(4)).rstrip() for line in code.split("\n")]


def _pairs(yours: list[str], solution: list[str]) -> Iterator[Pair]:
    """The lines of both, those that are the same beside each other."""
    for _, i, j, k, m in SequenceMatcher(None, yours, solution, autojunk=False).get_opcodes():
        yield from zip_longest(yours[i:j], solution[k:m])


def _show_beside(pairs: list[Pair], console: Console) -> None:
    width = (min(console.width, WIDEST) - 3) // 2
    console.print(_beside(Text("- yours", "bold"), Text("+ the solution", "bold"), width))
    for left, right in pairs:
        is_same = left == right
        ours = _told(left, "  " if is_same else "- ", width)
        theirs = _told(right, "  " if is_same else "+ ", width)
        for cells in zip_longest(ours, theirs, fillvalue=Text()):
            console.print(_beside(*cells, width), soft_wrap=True)


def _beside(left: Text, right: Text, width: int) -> Text:
    left = left.copy()
    left.pad_right(width - left.cell_len)
    return left + Text(" │ ", "dim") + right


def _show_within(pairs: list[Pair], console: Console) -> None:
    console.print(Text("- yours\n", "bold red") + Text("+ the solution\n", "bold green"))
    for is_same, group in groupby(pairs, lambda pair: pair[0] == pair[1]):
        chunk = list(group)
        if is_same:
            told = [(left, "  ") for left, _ in chunk]
        else:  # what the solution has instead stands below all that goes
            told = [*((left, "- ") for left, _ in chunk), *((right, "+ ") for _, right in chunk)]
        for line, sign in told:
            for part in _told(line, sign, console.width):
                console.print(part)


def _told(line: str | None, sign: str, width: int) -> list[Text]:
    """A line behind its sign, in as many lines as it takes."""
    if line is None:
        return []
    style = _STYLES[sign]
    first, *rest = folded(Text(line, style), width - len(sign))
    return [Text(sign, style) + first, *(Text(" " * len(sign)) + part for part in rest)]
