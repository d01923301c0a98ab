"""What the checks say of mutants, for an author's terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..model.mutants import Tried
from .text import printable

_STYLES = {"-": "red", "+": "green"}


def show_mutants(tried: Sequence[Tried], marked: Collection[str], console: Console) -> None:
    """Print the mutants that pass, those that nothing explains, and a line for each exercise.

    Args:
        marked: the ids of those that mean the same.
    """
    for one in tried:
        if one.survives and one.mutant.id not in marked:
            _show(one, "passes", console)
    for one in tried:
        if not one.is_explained:
            _show(one, f"fails as {one.diagnosis}: {one.check}", console)
            console.print(Text(f"  {printable(one.says)}\n"))
    console.print(_summary(tried, marked))


def _show(one: Tried, what: str, console: Console) -> None:
    mutant = one.mutant
    head = f"exercise {mutant.exercise}, line {mutant.line} · {mutant.id} · {what}"
    console.print(Text(head, "bold"), soft_wrap=True)
    for line in printable(mutant.diff).splitlines():
        console.print(Text(f"  {line}", _STYLES.get(line[:1], "")), soft_wrap=True)
    console.print()


def _summary(tried: Sequence[Tried], marked: Collection[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("exercise", "made", "fail", "pass", "mean the same", "not explained"):
        table.add_column(name, justify="right")
    for number, group in groupby(tried, lambda one: one.mutant.exercise):
        table.add_row(*map(str, (number, *_counts(list(group), marked))))
    return table


def _counts(tried: Sequence[Tried], marked: Collection[str]) -> tuple[int, ...]:
    passing = [one for one in tried if one.survives]
    same = sum(one.mutant.id in marked for one in passing)
    unexplained = sum(not one.is_explained for one in tried)
    return len(tried), len(tried) - len(passing), len(passing) - same, same, unexplained
