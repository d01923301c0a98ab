"""The course with its state, and the exercise that is next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from ..course.answers import Answers, stub_or_none
from ..course.catalog import Exercise, Lesson
from ..course.hints import section_of
from .signs import SIGNS, STYLES
from .text import counted

if TYPE_CHECKING:
    from ..course.progress import ExerciseProgress, LessonProgress


def show_list(lesson: Lesson, progress: LessonProgress, answers: Answers, console: Console) -> None:
    """Print a lesson's exercises with how far each is, and the quiz."""
    solved = sum(progress.exercise(e.number).passes > 0 for e in lesson.exercises)
    head = Text(f"{lesson.name} · {lesson.title}", style="bold")
    head.append(f"  {lesson.minutes} min, {solved} of {len(lesson.exercises)} solved", "dim")
    console.print(head, soft_wrap=True)
    stub = stub_or_none(lesson)
    width = max(len(_title(exercise)) for exercise in lesson.exercises)
    for exercise in lesson.exercises:
        known = progress.exercise(exercise.number)
        is_begun = not answers.has_same(stub, exercise)
        words = _state(known, is_begun, known.graded == answers.digest(exercise))
        line = f"  {SIGNS[known.status]} {_title(exercise):<{width}}  "
        if len(line) + len(words) > console.width:  # the state gets a line of its own
            line = line.rstrip()
            words = "".join(f"\n      {part}" for part in wrap(words, console.width - 6))
        console.print(Text(line, style=STYLES[known.status]).append(words, "dim"), soft_wrap=True)
    if progress.quiz:
        right = sum(answer.right for answer in progress.quiz.values())
        console.print(f"  quiz: {counted(len(progress.quiz), 'question')} answered, {right} right")


def _title(exercise: Exercise) -> str:
    return f"{exercise.number} · {exercise.title}"


def _state(known: ExerciseProgress, is_begun: bool, is_as_graded: bool) -> str:
    """In words, how far an exercise is."""
    if known.status == "todo" and not known.attempts:
        return "begun, not graded yet" if is_begun and not is_as_graded else "to do"
    words = [_outcome(known, is_as_graded), counted(known.attempts, "attempt")]
    if known.hints:
        words.append(counted(known.hints, "hint"))
    return ", ".join(words)


def _outcome(known: ExerciseProgress, is_as_graded: bool) -> str:
    since = "" if is_as_graded else ", changed since"
    if known.first_pass is not None:
        now = "" if known.status == "passed" else ", but not now"
        return f"solved on {known.first_pass[:10]}{now}{since}"
    return f"not yet{since}"


def show_next(
    lesson: Lesson, exercise: Exercise, answers: Answers, file: str, console: Console
) -> None:
    """Print what an exercise asks for, where its answer goes, and what helps with it."""
    where = f"{file}:{answers.line(exercise) or 1}"
    console.print(Text(f"{lesson.name} {exercise.number} · {exercise.title}", style="bold"))
    console.print(Text(f"  {where}", "dim"), soft_wrap=True)
    for line in described(answers.describes(exercise), min(console.width, 100) - 2):
        console.print(Text(f"  {line}" if line else ""), soft_wrap=True)
    console.print()
    for command, what in (
        (f"grade lesson {lesson.name} {section_of(lesson, exercise)}".rstrip(), "read about it"),
        (f"grade {lesson.name} {exercise.number}", "grade your answer"),
        (f"grade hint {lesson.name} {exercise.number}", "a hint"),
    ):
        console.print(Text(f"  {what:<18}", "dim").append(command, "cyan"), soft_wrap=True)


def described(text: str, width: int) -> Iterator[str]:
    """The lines of a docstring, broken anew; an item of a list begins a line of its own."""
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text)):
        if number:
            yield ""
        for part in re.split(r"\n(?=- )", paragraph):
            indent = "  " if part.startswith("- ") else ""
            yield from wrap(" ".join(part.split()), width, subsequent_indent=indent)
