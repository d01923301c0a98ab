"""`grade dev check dayNN`: what is wrong with a lesson?"""

from __future__ import annotations

import click

from ...course import catalog
from ...course.catalog import Exercise, Lesson
from ..words import CourseCommand, ExerciseNumber, LessonName

EXAMPLES = """\b
Examples:
  grade dev check           all lessons
  grade dev check dayNN     one of them, with its texts, its notebook and its bank
  grade dev check dayNN 2   the checks, the solution and the bank of exercise 2
"""


@click.command(
    "check", cls=CourseCommand, epilog=EXAMPLES, short_help="Find what is wrong with a lesson."
)
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("exercise", type=ExerciseNumber(), required=False)
@click.pass_context
def command(context: click.Context, lesson: Lesson | None, exercise: Exercise | None) -> None:
    """Look at all files of a lesson, run what can be run, and grade the bank.

    Each finding names its file and line. Exits with 1 if there is one.
    """
    from ...authoring.checking import problems_of
    from ...render.console import console
    from ...render.problems import show_problems

    number = exercise.number if exercise else None
    lessons = (lesson,) if lesson else catalog.lessons()
    found = [problem for one in lessons for problem in problems_of(one, number)]
    show_problems(found, console())
    context.exit(int(bool(found)))
