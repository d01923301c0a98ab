"""The words that several commands take: a lesson, an exercise."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ..course.catalog import Exercise, Lesson
from ..model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorated = Callable[..., Any]


def lessons_like(incomplete: str) -> list[CompletionItem]:
    """The lessons whose names begin so, for a shell to complete."""
    from ..course.catalog import lessons

    found = [lesson for lesson in lessons() if lesson.name.startswith(incomplete)]
    return [CompletionItem(lesson.name, help=lesson.title) for lesson in found]


class LessonName(click.ParamType):  # type: ignore[type-arg]
    """A lesson by its name."""

    name = "lesson"

    def convert(self, value: Any, *_: object) -> Lesson:
        from ..course.catalog import lesson

        try:
            return value if isinstance(value, Lesson) else lesson(value)
        except UsageError as error:
            raise _or_command(value, error) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        return lessons_like(incomplete)


def _or_command(word: str, error: UsageError) -> UsageError:
    """What stands in the place of a lesson may have been meant as a command."""
    from .group import COMMANDS

    for command in get_close_matches(word, COMMANDS, n=1):
        return UsageError(f"there is no {word!r}", f"did you mean: grade {command}")
    return error


class ExerciseNumber(click.ParamType):  # type: ignore[type-arg]
    """An exercise of the lesson that was named before it, by its number."""

    name = "exercise"

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Exercise:
        if isinstance(value, Exercise):
            return value
        assert ctx is not None
        lesson: Lesson = ctx.params["lesson"]
        return lesson.exercise(int(value) if value.isdecimal() else -1, value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        lesson = ctx.params.get("lesson")
        found = lesson.exercises if isinstance(lesson, Lesson) else ()
        return [
            CompletionItem(str(exercise.number), help=exercise.title)
            for exercise in found
            if str(exercise.number).startswith(incomplete)
        ]


def takes_lesson(command: Decorated) -> Decorated:
    """The argument LESSON."""
    return click.argument("lesson", type=LessonName())(command)


def takes_exercise(command: Decorated) -> Decorated:
    """The arguments LESSON and EXERCISE."""
    return takes_lesson(click.argument("exercise", type=ExerciseNumber())(command))
