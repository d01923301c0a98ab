"""The pages of watch mode. Each prints itself, at the width that the console then has."""

from __future__ import annotations

from textwrap import wrap

from rich.console import Console
from rich.text import Text

from ..course.answers import Answers, learners_or_stub
from ..course.catalog import Exercise, Lesson
from ..course.progress import Progress
from ..model.report import Report
from ..render.listing import show_list, show_next
from ..render.reading import show_markdown
from ..render.terminal import show
from ..render.text import on_one_line
from .screen import Page
from .target import Target


def of_start(shown_as: str, target: Target) -> Page:
    """What is shown before the first verdict."""
    numbers = ", ".join(str(exercise.number) for exercise in target.exercises)
    words = f"{target.lesson.name} {numbers}: graded whenever {shown_as} is saved."
    return lambda console: _say(console, words, "bold")


def of_verdict(report: Report, target: Target, text: str, next_step: str) -> Page:
    """The verdict, and what to try next; the task, if the exercise is not begun."""
    exercise = target.exercise
    is_to_do = report.exercises[0].status == "todo"

    def page(console: Console) -> None:
        if exercise is not None and is_to_do:
            show_next(target.lesson, exercise, Answers(text), report.file, console)
        else:
            show(report, console, sentence_first=True)
        if next_step:
            console.print()
            _say(console, next_step, "green")

    return page


def next_step(target: Target, found: Target | None, has_keys: bool) -> str:
    """What to try when the target passes, and `found` comes after it."""
    if found is not None and found.exercise is not None:
        press = " (press n)" if has_keys else ""
        return f"Next: {found.lesson.name} {found.exercise.number}, {found.exercise.title}{press}"
    name, number = target.lesson.name, target.exercises[-1].number
    return (
        f"No exercise is left to solve. Next: `grade quiz {name}`. "
        f"`grade solution {name} {number}` shows another way."
    )


def of_problem(problem: str, remedy: str) -> Page:
    """Why there is no verdict."""

    def show_problem(console: Console) -> None:
        for line in problem.splitlines():
            _say(console, line, "bold yellow")
        for line in remedy.splitlines():
            _say(console, line, "yellow")
        console.print()

    return show_problem


def of_hint(exercise: Exercise, hint: str, step: int, steps: int) -> Page:
    """A step of the help for an exercise, of so many steps."""

    def page(console: Console) -> None:
        _say(console, f"Exercise {exercise.number}, hint {step} of {steps}", "bold")
        console.print()
        show_markdown(hint, console)
        console.print()
        _say(console, "more: press h" if step < steps else "That was the last one.", "cyan")

    return page


def of_list(lessons: tuple[Lesson, ...], progress: Progress) -> Page:
    """The course with its state.

    Raises:
        InputError: a file is gone, and the course keeps no stub.
    """
    answers = [learners_or_stub(lesson) for lesson in lessons]

    def page(console: Console) -> None:
        for lesson, own in zip(lessons, answers, strict=True):
            show_list(lesson, progress.lesson(lesson), own, console)
        console.print()

    return page


def with_messages(page: Page, messages: tuple[str, ...]) -> Page:
    """A page, and the messages that came meanwhile."""

    def both(console: Console) -> None:
        page(console)
        for words in messages:
            _say(console, words, "yellow")

    return both if messages else page


def _say(console: Console, words: str, style: str) -> None:
    width = min(console.width, 100)
    for line in wrap(words, width, break_on_hyphens=False) or [""]:
        console.print(Text(on_one_line(line), style), soft_wrap=True)
