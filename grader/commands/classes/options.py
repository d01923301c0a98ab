"""What several commands of `grade class` take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...course import catalog
from ...course.catalog import Lesson
from ...model.errors import UsageError
from ..words import LessonName

RESULTS = Path("class.sqlite")


def takes_results(command: Any) -> Any:
    """The option --results."""
    return click.option(
        "--results",
        type=click.Path(path_type=Path, dir_okay=False),
        default=RESULTS,
        show_default=True,
        help="The file of results.",
    )(command)


def takes_lessons(command: Any) -> Any:
    """The option --lesson, which can be given several times."""
    return click.option(
        "--lesson", "lessons", type=LessonName(), multiple=True, help="A lesson; can be repeated."
    )(command)


def takes_rules(command: Any) -> Any:
    """The option --rules."""
    return click.option(
        "--rules",
        type=click.Path(path_type=Path, dir_okay=False),
        help="A file with a table [class], if it isn't in course.toml.",
    )(command)


def graded_lessons(names: list[str], asked: tuple[Lesson, ...]) -> list[Lesson]:
    """The lessons that results are about: all that were graded, or those that are asked for.

    Raises:
        UsageError: one that is asked for was not graded, or none was.
    """
    missing = [lesson.name for lesson in asked if lesson.name not in names]
    if missing or not names:
        known = f"it holds {', '.join(names)}" if names else "grade first: grade class FOLDER"
        raise UsageError(f"the results hold nothing of {', '.join(missing) or 'any lesson'}", known)
    return list(asked) or [catalog.lesson(name) for name in names]
