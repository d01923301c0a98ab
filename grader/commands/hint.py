"""`grade hint dayNN 2`: a hint, a step further each time."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..course import catalog
from ..course.catalog import Exercise, Lesson
from ..model.errors import UsageError
from .progress_file import progress_file
from .words import CourseCommand, ExerciseNumber, LessonName

EXAMPLES = """\b
Examples:
  grade hint                    for the exercise that comes next
  grade hint dayNN 2            for another; each time the next step of the ladder
  grade hint dayNN 2 --step 1   the first one again
"""


@click.command(
    "hint", cls=CourseCommand, epilog=EXAMPLES, short_help="Show a hint, a step further each time."
)
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("exercise", type=ExerciseNumber(), required=False)
@click.option("--step", type=click.IntRange(min=1), help="Show this step, not the next one.")
def command(lesson: Lesson | None, exercise: Exercise | None, step: int | None) -> None:
    """Show a hint. Each step of the ladder says more than the one before.

    Called again it goes a step further, up to the last one. Without an exercise it is for
    the first one that you have not solved.
    """
    from ..course.hints import ladder
    from ..render.console import console
    from ..render.reading import show_markdown

    if lesson is None or exercise is None:
        lesson, exercise = _current_exercise([lesson] if lesson else catalog.lessons())
    steps = ladder(lesson, exercise)
    with progress_file().changing() as progress:
        step = progress.exercise(lesson, exercise).take_hint(len(steps), step)
    click.echo(f"Exercise {exercise.number}, hint {step} of {len(steps)}\n")
    show_markdown(steps[step - 1], console())
    if step < len(steps):
        click.echo(f"\nmore: grade hint {lesson.name} {exercise.number}")
    else:
        click.echo(f"\nThat was the last one. Try it: grade {lesson.name} {exercise.number}")


def _current_exercise(lessons: Sequence[Lesson]) -> tuple[Lesson, Exercise]:
    found = progress_file().read().first_unsolved(lessons)
    if found is None:
        raise UsageError(
            "you have solved everything",
            f"for a hint anyway: grade hint {lessons[0].name} 1",
        )
    return found
