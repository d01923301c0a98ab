"""`grade tour`: a wrong answer is graded, mended, and graded again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..course import catalog
from ..course.answers import Answers, answers_file, stub_or_none
from ..course.catalog import Exercise, Lesson
from ..course.files import read_own, shown
from ..model.errors import UsageError
from .words import CourseCommand

if TYPE_CHECKING:
    from pathlib import Path

    from ..judge.grading import Grading
    from ..model.report import Report

EXAMPLES = """\b
Example:
  grade tour
"""
SEED = 1
"""So that everyone sees the same."""
SHOWN_AS = "answer.py"


@click.command("tour", cls=CourseCommand, epilog=EXAMPLES, short_help="See what the grader does.")
def command() -> None:
    """Watch the grader at work: a wrong answer, why it is wrong, and the same answer mended.

    It asks nothing, takes a few seconds, and leaves your files and your progress alone.
    """
    from ..judge.grading import Grading
    from ..render import tour as pages
    from ..render.console import console

    lesson, exercise, wrong, right = _stops()
    screen = console()
    stub = stub_or_none(lesson)
    pages.show_task(lesson, exercise, stub.describes(exercise) if stub else "", screen)
    pages.show_wrong(wrong, exercise, SHOWN_AS, screen)
    with Grading() as grading:
        pages.show_verdict(_graded(grading, lesson, exercise, wrong), screen)
        pages.show_mended(wrong.answer(exercise), right.answer(exercise), screen)
        pages.show_verdict(_graded(grading, lesson, exercise, right), screen)
    pages.show_now_you(_steps(lesson), screen)


def _stops() -> tuple[Lesson, Exercise, Answers, Answers]:
    """The exercise, the wrong answer, and the one that is mended.

    Raises:
        UsageError: the course has no tour.
    """
    course = catalog.course()
    if course.tour is None:
        raise UsageError("this course has no tour", "begin with: grade next")
    lesson = course.lesson(course.tour.lesson)
    folder = course.mistakes(lesson)
    wrong, right = (_read(folder / f"{n}.py") for n in (course.tour.wrong, course.tour.right))
    return lesson, lesson.exercise(course.tour.exercise), wrong, right


def _read(file: Path) -> Answers:
    return Answers(read_own(file))


def _graded(grading: Grading, lesson: Lesson, exercise: Exercise, answers: Answers) -> Report:
    course = catalog.course()
    place = course.mistakes(lesson) / SHOWN_AS  # where nothing is: its text comes with it
    return grading.grade(
        lesson, place, (exercise.number,), SEED, shown_as=SHOWN_AS, source=answers.text
    )


def _steps(lesson: Lesson) -> list[tuple[str, str]]:
    """What to do, and with what."""
    try:
        workspace = catalog.workspace()
    except UsageError:
        return [
            ("Make a folder to work in:", "grade init my-course"),
            ("Go there, and see what is next:", "cd my-course && grade next"),
        ]
    course = catalog.course()
    text = workspace / course.lesson_text(lesson).relative_to(course.root)
    return [
        ("Read the lesson:", shown(text)),
        ("Open the exercises in your editor:", shown(answers_file(lesson))),
        ("In a terminal next to it, run:", "grade --watch"),
    ]
