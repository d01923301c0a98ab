"""The stops of `grade tour`: the task, a wrong answer, verdicts, the mended answer."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from rich.console import Console
from rich.text import Text

from ..course.answers import Answers
from ..course.catalog import Exercise, Lesson
from ..model.report import Report
from .code import clipped, highlighted
from .comparison import show_comparison
from .listing import described
from .terminal import exercise_lines

WIDEST = 100


def show_task(lesson: Lesson, exercise: Exercise, task: str, console: Console) -> None:
    """Print what the exercise asks for."""
    _say(
        f"A tour of the grader, with exercise {exercise.number} of {lesson.name}: {exercise.title}",
        console,
        "bold",
    )
    console.print()
    for line in described(task, _width(console) - 2):
        console.print(Text(f"  {line}" if line else ""), soft_wrap=True)


def show_wrong(answers: Answers, exercise: Exercise, file: str, console: Console) -> None:
    """Print an answer, with the numbers of its lines."""
    console.print()
    _say(f"Here is an answer, {file}. What is wrong with it?", console, "bold")
    console.print()
    begin, end = answers.span(exercise) or (0, 0)
    lines = highlighted("".join(answers.lines[:end]))
    for number, line in enumerate(lines[begin:end], begin + 1):
        shown = Text(f"  {number:>3} ", "dim") + line
        shown.rstrip()
        console.print(clipped(shown, console.width), soft_wrap=True)


def show_verdict(report: Report, console: Console) -> None:
    """Print what the grader says of the one exercise of a report."""
    console.print()
    _say("The grader says:", console, "bold")
    console.print()
    for text in exercise_lines(report, report.exercises[0], _width(console)):
        console.print(text, soft_wrap=True, highlight=False)


def show_mended(before: str, after: str, console: Console) -> None:
    """Print how the answer was changed."""
    console.print()
    _say("Now the same answer, mended:", console, "bold")
    console.print()
    show_comparison(before.rstrip(), after.rstrip(), console, names=("before", "after"))


def show_now_you(steps: Sequence[tuple[str, str]], console: Console) -> None:
    """Print what to do next, and with what."""
    console.print()
    _say("Now you:", console, "bold")
    console.print()
    for number, (what, how) in enumerate(steps, 1):
        gap = " " if 4 + len(what) + 1 + len(how) <= console.width else "\n     "
        console.print(Text(f"  {number}. {what}{gap}").append(how, "cyan"), soft_wrap=True)


def _say(words: str, console: Console, style: str) -> None:
    for line in wrap(words, _width(console)):
        console.print(Text(line, style), soft_wrap=True)


def _width(console: Console) -> int:
    return min(console.width, WIDEST)
