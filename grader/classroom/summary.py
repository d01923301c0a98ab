"""What a class did, in a terminal: a line for each exercise."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from ..course.catalog import Lesson
from ..render.text import counted
from .clusters import ExerciseResults, failing_files
from .points import Score


def show_summary(lesson: Lesson, scores: Sequence[Score], console: Console) -> None:
    """Print how many pass each exercise, and why most of the others don't."""
    graded = sum(score.attempt.report is not None for score in scores)
    title = f"{lesson.name}: {counted(graded, 'student')}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in ("exercise", "passed", "not yet", "to do", "the most common reason"):
        is_number = heading in ("passed", "not yet", "to do")
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold")
    for exercise in lesson.exercises:
        found = ExerciseResults(exercise, scores)
        first = found.clusters[0] if found.clusters else None
        table.add_row(
            f"{exercise.number} · {exercise.title}",
            *(str(found.counts[status]) for status in ("passed", "failed", "todo")),
            f"{len(first.failures)} × {first.id}" if first else "",
        )
    console.print(table)
    failing = sum(len(cluster.failures) for cluster in failing_files(scores))
    if failing:
        console.print(f"{counted(failing, 'file')} can't be run, so no exercise there passes.")
