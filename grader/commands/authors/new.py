"""`grade dev new dayNN --exercises 4`: a lesson to begin with, or one more exercise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...course.catalog import LESSON_NAME, TABLE, Course, Exercise, Lesson
from ...course.files import shown
from ...model.errors import UsageError
from ..words import CourseCommand

if TYPE_CHECKING:
    from ...authoring.scaffold import Files

EXAMPLES = """\b
Examples:
  grade dev new rates --exercises 4   a lesson called rates, of four exercises
  grade dev new rates 5               a fifth exercise
"""

MINUTES = 45


@click.command(
    "new", cls=CourseCommand, epilog=EXAMPLES, short_help="Make a lesson, or one more exercise."
)
@click.argument("lesson")
@click.argument("exercise", type=click.IntRange(min=1), required=False)
@click.option("--exercises", type=click.IntRange(min=1), help="How many a new lesson has.")
def command(lesson: str, exercise: int | None, exercises: int | None) -> None:
    """Make the files of a lesson, or add an exercise to them.

    They are a lesson that works: each exercise has a task, a stub, a solution, a check that
    passes, hints, a question and two answers in the bank. `TO WRITE` marks what to replace,
    and `grade dev check` lists the marks that are left. To change a lesson's name later,
    rename its files.
    """
    from ...authoring.own import own_course

    course = own_course()
    known = next((one for one in course.lessons if one.name == lesson), None)
    if known is None:
        _make_lesson(course, lesson, exercise, exercises)
    else:
        _add_exercise(course, known, exercise, exercises)


def _make_lesson(course: Course, name: str, exercise: int | None, exercises: int | None) -> None:
    from ...authoring import scaffold, table

    if exercise is not None:
        raise UsageError(
            f"there is no lesson {name!r} to add exercise {exercise} to",
            f"make it: grade dev new {name} --exercises {exercise}",
        )
    if not LESSON_NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} can't be the name of a lesson and its files",
            "use letters, digits, - and _",
        )
    made = tuple(Exercise(n, table.EXERCISE_TITLE) for n in range(1, (exercises or 1) + 1))
    lesson = Lesson(name, table.TITLE, MINUTES, made)
    files = scaffold.files_of(course, lesson)
    taken = [file for file in files if file.exists()]
    if taken:
        raise UsageError(
            f"{shown(taken[0])} is there already", "move it away, or choose another name"
        )
    _write(course, files, table.with_lesson(_table(course), lesson), name)


def _add_exercise(
    course: Course, lesson: Lesson, exercise: int | None, exercises: int | None
) -> None:
    from ...authoring import scaffold, table

    following = max((one.number for one in lesson.exercises), default=0) + 1
    if exercise != following or exercises is not None:
        raise UsageError(
            f"{lesson.name} is there already, with {following - 1} exercises",
            f"add the next one: grade dev new {lesson.name} {following}",
        )
    added = Exercise(exercise, table.EXERCISE_TITLE)
    text = table.with_exercise(_table(course), lesson, added)
    _write(course, scaffold.added(course, lesson, added), text, lesson.name)


def _table(course: Course) -> str:
    return (course.root / TABLE).read_text("utf-8")


def _write(course: Course, files: Files, table: str, lesson: str) -> None:
    from ...authoring.scaffold import write

    try:
        write(files | {course.root / TABLE: table})
    except OSError as error:
        raise UsageError(f"{error.filename} can't be written: {error.strerror}") from error
    click.echo("\n".join(shown(file) for file in sorted([*files, course.root / TABLE])))
    click.echo(f"\nWhat is still to write: grade dev check {lesson}")
