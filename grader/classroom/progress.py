"""How far the grading of a class is: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINES = 10
"""How many lines tell of a whole run where there is no terminal."""


class Rate(ProgressColumn):
    """Works a second."""

    def render(self, task: Task) -> Text:
        return Text(per_second(task.completed, task.elapsed or 0))


def per_second(count: float, seconds: float) -> str:
    """As in `1.5/s`; nothing before there is anything to say."""
    return f"{count / seconds:.1f}/s" if count and seconds else ""


@contextmanager
def shown_progress(total: int, console: Console) -> Iterator[Callable[[int], None]]:
    """What to call with the number of works that were just graded."""
    if not console.is_terminal:
        yield _Lines(total, console).advance
        return
    columns = (
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
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
        left = seconds / self._done * (self._total - self._done)
        rate = per_second(self._done, seconds)
        self._console.print(f"{self._done} of {self._total} graded, {rate}, {left:.0f} s left")
