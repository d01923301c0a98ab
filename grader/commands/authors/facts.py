"""`grade dev facts dayNN 4`: what does the solution do in each check?"""

from __future__ import annotations

import click

from ...course.catalog import Exercise, Lesson
from ..words import CourseCommand, ExerciseNumber, takes_lesson

EXAMPLES = """\b
Examples:
  grade dev facts dayNN     in the checks of all exercises
  grade dev facts dayNN 2   in those of one
"""


@click.command(
    "facts", cls=CourseCommand, epilog=EXAMPLES, short_help="Show what the solution does."
)
@takes_lesson
@click.argument("exercise", type=ExerciseNumber(), required=False)
@click.pass_context
def command(context: click.Context, lesson: Lesson, exercise: Exercise | None) -> None:
    """Show what the solution does in each check: what the check looks at, what it sees, and the
    play as a picture.

    That is what an answer is compared with. Read it to see whether a check looks at what its
    sentence says. Exits with 1 if a check can't be run to its end.
    """
    from ...authoring.facts import facts
    from ...render.console import console
    from ...render.facts import show_facts

    found = facts(lesson, (exercise,) if exercise else lesson.all_exercises)
    show_facts(found, console())
    context.exit(int(any(check.problem for check in found)))
