"""Where the learner stands in a lesson, in a few lines."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..model.report import Report
from .signs import SIGNS, STYLES, WORDS


def show_overview(report: Report, console: Console) -> None:
    """Print one line for each exercise, and what is next."""
    console.print(Text(f"{report.lesson}: {report.passed} of {report.total} pass", style="bold"))
    for exercise in report.exercises:
        line = f"  {SIGNS[exercise.status]} {exercise.number} · {exercise.title}"
        words = WORDS[exercise.status]
        console.print(
            Text(f"{line:<36}  ", style=STYLES[exercise.status]).append(words, "dim"),
            soft_wrap=True,
        )
    unfinished = [e for e in report.exercises if e.status != "passed"]
    if unfinished:
        step = f"Next: grade {report.lesson} {unfinished[0].number}"
        console.print(Text(f"{step}   ({report.file}:{unfinished[0].line or 1})"), soft_wrap=True)
        if not report.passed:
            console.print(f"Read first: grade lesson {report.lesson}")
    else:
        console.print(f"All done. To see another way: grade solution {report.lesson} 1")
