"""The words that several commands take: a lesson, an exercise."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from ..course.catalog import Exercise, Lesson
from ..model.errors import CourseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    Decorated = Callable[..., Any]


INSTALL_NOTEBOOKS = 'python -m pip install ".[notebooks]"'


class CourseCommand(click.Command):
    """A command whose help names a lesson of the course in its examples."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.epilog = with_lesson(self.epilog or "")
        super().format_epilog(ctx, formatter)


class CommandGroup(CourseCommand, click.Group):
    """A group whose commands are the modules of a package: each is imported when it is asked for.

    Attributes:
        package: the package's name.
        words: the commands, in the order of the help.
    """

    package: str
    words: tuple[str, ...]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.words)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.words:
            return None
        found: click.Command = import_module(f".{cmd_name}", self.package).command
        return found


def with_lesson(examples: str) -> str:
    """Examples of a command with the course's first lesson in the place of `dayNN`; what stands
    behind two spaces stays in its column."""
    from ..course.catalog import lessons

    try:
        name = lessons()[0].name
    except (CourseError, IndexError):  # help is there also where the course is broken
        return examples
    return re.sub(
        r"(?m)^(.*dayNN.*?\S)( {2,})(?=\S)|dayNN",
        lambda found: _replaced(found, name),
        examples,
    )


def _replaced(found: re.Match[str], name: str) -> str:
    if found[1] is None:
        return name
    return found[1].replace("dayNN", name).ljust(len(found[0]) - 2) + "  "


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
    from . import COMMANDS

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
        return lesson.exercise_of(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        lesson = ctx.params.get("lesson")
        found = lesson.all_exercises if isinstance(lesson, Lesson) else ()
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
