"""How far the grading of a class is: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
)
from rich.text import Text

WIDEST = 40
"""Columns of the bar, if there is room."""
BESIDE = 50
"""Columns of what stands beside it, and of the `^C` that a terminal writes behind it."""
LINES = 10
"""How many lines tell of a whole run where there is no terminal."""


class Rate(ProgressColumn):
    """How fast it goes, and how long it takes from now; at the end, how long it has taken."""

    def render(self, task: Task) -> Text:
        seconds = task.elapsed or 0
        if task.finished:
            return Text(f"in {_clock(seconds)}")
        return Text(outlook_of(int(task.completed), int(task.total or 0), seconds))


def outlook_of(done: int, total: int, seconds: float) -> str:
    """As in `24/min, 0:01:30 left`, by the mean so far; nothing before there is anything to say.

    Verdicts come several at once, and then none for a while, so the last few say little.
    """
    if not (done and seconds):
        return ""
    rate = done / seconds
    said = f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.0f}/min"
    return f"{said}, {_clock((total - done) / rate)} left"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


@contextmanager
def shown_progress(total: int, console: Console) -> Iterator[Callable[[int], None]]:
    """What to call with the number of works that were just graded."""
    if not console.is_terminal:
        yield _Lines(total, console).advance
        return
    columns = (
        TextColumn("grading"),
        BarColumn(max(1, min(WIDEST, console.width - BESIDE))),
        MofNCompleteColumn(),
        Rate(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("grading", total=total)
        yield lambda count: bar.advance(task, count)


class _Lines:
    def __init__(self, total: int, console: Console) -> None:
        self._total = total
        self._console = console
        self._began = time.monotonic()
        self._done = 0

    def advance(self, count: int) -> None:
        before, self._done = self._done, self._done + count
        if before * LINES // self._total == self._done * LINES // self._total:
            return
        seconds = time.monotonic() - self._began
        outlook = outlook_of(self._done, self._total, seconds)
        self._console.print(f"{self._done} of {self._total} graded, {outlook}", highlight=False)
