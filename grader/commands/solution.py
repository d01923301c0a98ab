"""`grade solution dayNN 2`: the solution beside your answer, and the reason for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..course.catalog import Exercise, Lesson
from ..model.errors import UsageError
from .progress_file import progress_file
from .words import CourseCommand, takes_exercise

if TYPE_CHECKING:
    from ..course.progress import ExerciseProgress
    from ..course.solutions import Solution

EXAMPLES = """\b
Examples:
  grade solution dayNN 2            once yours has passed, or failed three times
  grade solution dayNN 2 --anyway   before that
"""


@click.command(
    "solution",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Compare your answer with the solution.",
)
@takes_exercise
@click.option("--anyway", is_flag=True, help="Show it before you have tried.")
def command(lesson: Lesson, exercise: Exercise, anyway: bool) -> None:
    """Show how the solution differs from your answer, and why it is written that way.

    You see it when your answer has passed, or after three attempts that did not.
    """
    from ..course.solutions import TRIES, solution
    from ..render.console import console
    from ..render.reading import show_markdown

    found = solution(lesson, exercise)
    known = progress_file().read().exercise(lesson, exercise)
    if not (anyway or known.passes or known.failures >= TRIES):
        raise _not_yet(lesson, exercise, known, found)
    screen = console()
    screen.print(f"{lesson.name} {exercise.number} · {exercise.title}\n", style="bold")
    _show_code(found)
    click.echo()
    show_markdown(f"## Why\n\n{found.reason}", screen, lesson.name)


def _not_yet(
    lesson: Lesson, exercise: Exercise, known: ExerciseProgress, found: Solution
) -> UsageError:
    from ..course.solutions import TRIES

    words = f"{lesson.name} {exercise.number}"
    return UsageError(
        f"the solution of {words} is shown when yours has passed, or after {TRIES} attempts "
        f"that did not: so far {known.failures}",
        f"a hint: grade hint {words}\n"
        f"       to read: grade lesson {found.section or lesson.name}\n"
        f"       to see it anyway: grade solution {words} --anyway",
    )


def _show_code(found: Solution) -> None:
    from ..render.comparison import show_code, show_comparison
    from ..render.console import console

    screen = console()
    if found.yours == found.code:
        click.echo("Yours is the same, line by line.")
    elif found.yours:
        show_comparison(found.yours, found.code, screen)
    else:
        click.echo("You have no answer yet. This is the solution:\n")
        show_code(found.code, screen)
