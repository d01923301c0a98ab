"""Where the learner stands in a lesson, in a few lines."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ..model.report import ExerciseReport, Report
from .signs import SIGNS, STYLES, WORDS


def show_overview(report: Report, console: Console) -> None:
    """Print one line for each exercise, and what is next."""
    console.print(Text(f"{report.lesson}: {report.passed} of {report.total} pass", style="bold"))
    width = max(len(_line(exercise)) for exercise in report.exercises)
    for exercise in report.exercises:
        line = Text(f"{_line(exercise):<{width}}  ", style=STYLES[exercise.status])
        console.print(line.append(WORDS[exercise.status], "dim"), soft_wrap=True)
    for problem in _of_file(report):
        console.print(f"  {problem}", highlight=False, markup=False)
    unfinished = [e for e in report.exercises if e.status != "passed"]
    if unfinished:
        step = f"Next: grade {report.lesson} {unfinished[0].number}"
        console.print(Text(f"{step}   ({report.file}:{unfinished[0].line or 1})"), soft_wrap=True)
        if not report.passed:
            console.print(f"Read first: grade lesson {report.lesson}")
    else:
        console.print(f"All done. To see another way: grade solution {report.lesson} 1")


def _line(exercise: ExerciseReport) -> str:
    return f"  {SIGNS[exercise.status]} {exercise.number} · {exercise.title}"


def _of_file(report: Report) -> list[str]:
    """What keeps the whole file from being run; it is the same for every exercise."""
    first = report.exercises[0].first_failure
    if first is None or not first.is_of_file:
        return []
    return [diagnosis.text for diagnosis in first.diagnoses[:1]]
