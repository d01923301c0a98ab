"""`grade hint day53 2`: a hint, a step further each time."""

from __future__ import annotations

import click

from ..course import Exercise, Lesson
from .keeping import progress_file
from .words import takes_exercise

EXAMPLES = """\b
Examples:
  grade hint day53 2            the next step of the ladder
  grade hint day53 2 --step 1   the first one again
"""


@click.command("hint", epilog=EXAMPLES, short_help="Show a hint, a step further each time.")
@takes_exercise
@click.option("--step", type=click.IntRange(min=1), help="Show this step, not the next one.")
def command(lesson: Lesson, exercise: Exercise, step: int | None) -> None:
    """Show a hint. Each step of the ladder says more than the one before.

    Called again it goes a step further, up to the last one.
    """
    from ..hints import ladder
    from ..render.console import console
    from ..render.reading import show_markdown

    steps = ladder(lesson, exercise)
    with progress_file().changing() as progress:
        step = progress.exercise(lesson, exercise).take_hint(len(steps), step)
    click.echo(f"Exercise {exercise.number}, hint {step} of {len(steps)}\n")
    show_markdown(steps[step - 1], console())
    if step < len(steps):
        click.echo(f"\nmore: grade hint {lesson.name} {exercise.number}")
    else:
        click.echo(f"\nThat was the last one. Try it: grade {lesson.name} {exercise.number}")
