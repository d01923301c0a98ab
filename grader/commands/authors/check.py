"""`grade dev check dayNN`: what is wrong with a lesson?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import click

from ...course import catalog
from ...course.catalog import Exercise, Lesson
from ...model.errors import UsageError
from ..words import CourseCommand, ExerciseNumber, LessonName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...model.problems import Problem

EXAMPLES = """\b
Examples:
  grade dev check           all lessons
  grade dev check dayNN     one of them, with its texts, its notebook and its bank
  grade dev check dayNN 2   the checks, the solution and the bank of exercise 2
  grade dev check dayNN 2 --watch   the same, again whenever you save
"""


@click.command(
    "check", cls=CourseCommand, epilog=EXAMPLES, short_help="Find what is wrong with a lesson."
)
@click.argument("lesson", type=LessonName(), required=False)
@click.argument("exercise", type=ExerciseNumber(), required=False)
@click.option("--watch", is_flag=True, help="Look again whenever a file is saved.")
@click.pass_context
def command(
    context: click.Context, lesson: Lesson | None, exercise: Exercise | None, watch: bool
) -> None:
    """Look at all files of a lesson, run what can be run, and grade the bank.

    Each finding names its file and line. Exits with 1 if there is one.
    What was right isn't run again until something that it depends on has changed.
    With --watch it goes on until you stop it, and shows first what it finds without the bank.
    """
    from ...authoring.checking import LessonChecker
    from ...authoring.whole import problems_of_course
    from ...render.console import console
    from ...render.problems import show_problems

    number = exercise.number if exercise else None
    if watch:
        _watch(_only(lesson), number)
    lessons = (lesson,) if lesson else catalog.lessons()
    found = [] if lesson else problems_of_course()
    with LessonChecker() as checker:
        found += [problem for one in lessons for problem in checker.problems_of(one, number)]
    show_problems(found, console())
    context.exit(int(bool(found)))


def _only(lesson: Lesson | None) -> Lesson:
    if lesson is None:
        first = catalog.lessons()[0].name
        raise UsageError("--watch looks at one lesson", f"grade dev check {first} --watch")
    return lesson


def _watch(lesson: Lesson, number: int | None) -> NoReturn:
    """Look at a lesson again and again, until the user stops it."""
    from ...authoring.checking import LessonChecker
    from ...authoring.saves import each_save
    from ...render.console import console
    from ...render.problems import show_problems

    screen = console()

    def tell(found: Sequence[Problem]) -> None:
        if found:
            show_problems(found, screen)
            click.echo("… and now the bank")

    with LessonChecker() as checker:
        for current in each_save(lesson):
            screen.clear()
            show_problems(checker.problems_of(current, number, tell), screen)
            click.echo(f"Looking again when {current.name} is saved. Ctrl-C ends it.")
    raise AssertionError("a watch doesn't end by itself")
