"""`grade reset dayNN 2`: the stub of one exercise again, the rest of the file as it is."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import click

from ..course import catalog
from ..course.answers import Answers, answers_file, stub
from ..course.catalog import Exercise, Lesson
from ..course.files import read_source, shown
from ..model.errors import InputError, UsageError
from .asking import is_terminal
from .progress_file import progress_file
from .words import CourseCommand, takes_exercise

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = """\b
Examples:
  grade reset dayNN 2         asks first, and keeps the old file
  grade reset dayNN 2 --yes   without asking, for scripts
"""


@click.command(
    "reset", cls=CourseCommand, epilog=EXAMPLES, short_help="Put an exercise's stub back."
)
@takes_exercise
@click.option("--yes", is_flag=True, help="Don't ask.")
def command(lesson: Lesson, exercise: Exercise, yes: bool) -> None:
    """Put the stub of one exercise back into your file. The rest of it stays as it is.

    The old file is kept whole in .course/backups. Your attempts, passes and hints stay counted.
    """
    from ..course import resetting

    file = answers_file(lesson)
    if not resetting.is_there(file):
        _put_all_back(lesson, exercise, file, yes)
    elif Answers(read_source(file)).has_same(stub(lesson), exercise):
        click.echo(f"Exercise {exercise.number} is the stub already. Nothing was changed.")
    else:
        _put_back(lesson, exercise, file, yes)


def _put_all_back(lesson: Lesson, exercise: Exercise, file: Path, yes: bool) -> None:
    from ..course import resetting

    begun = stub(lesson)
    question = f"There is nothing in {shown(file)}. Put the whole stub there?"
    _ask(question, lesson, exercise, yes)
    resetting.write(file, begun.text)
    _note(lesson, begun, lesson.exercises)
    click.echo(f"All exercises of {lesson.name} are in {shown(file)} again, to do.")


def _put_back(lesson: Lesson, exercise: Exercise, file: Path, yes: bool) -> None:
    from ..course import resetting

    if not os.access(file, os.W_OK):
        raise InputError(f"{shown(file)} is read-only", f"chmod u+w {shlex.quote(shown(file))}")
    _ask(f"Put the stub of exercise {exercise.number} into {shown(file)}?", lesson, exercise, yes)
    # Read only now: while we asked, it may have been saved.
    name = f"{lesson.name}-exercise-{exercise.number}"
    copy = resetting.back_up(file, catalog.workspace(), name)
    try:
        now = resetting.put_back(file, stub(lesson), exercise)
    except InputError:
        copy.unlink()
        raise
    _note(lesson, now, (exercise,))
    _show_result(file, copy, now, exercise)
    _warn(resetting.missing(now, stub(lesson), exercise), catalog.course().stub(lesson))


def _ask(question: str, lesson: Lesson, exercise: Exercise, yes: bool) -> None:
    if yes:
        return
    if not is_terminal():
        words = f"grade reset {lesson.name} {exercise.number}"
        raise UsageError(
            "there is no terminal to ask on", f"to do it without asking: {words} --yes"
        )
    if not click.confirm(question):
        click.echo("Nothing was changed.")
        click.get_current_context().exit(1)


def _note(lesson: Lesson, now: Answers, exercises: tuple[Exercise, ...]) -> None:
    """They are to do; attempts, passes and hints stay known."""
    with progress_file().changing() as progress:
        for exercise in exercises:
            progress.exercise(lesson, exercise).note("todo", now.digest(exercise))


def _show_result(file: Path, copy: Path, now: Answers, exercise: Exercise) -> None:
    click.echo(f"Exercise {exercise.number} is the stub again: {shown(file)}:{now.line(exercise)}")
    click.echo(f"The old file is kept: {shown(copy)}")
    click.echo(f"To have it back:\n  cp {shlex.quote(shown(copy))} {shlex.quote(shown(file))}")


def _warn(names: list[str], file: Path) -> None:
    if names:
        click.echo(
            f"\nYour file does not have what the stub uses: {', '.join(names)}.\n"
            f"Put that back too, or the file cannot be loaded. It is in {file}."
        )
