"""`grade class feedback FOLDER`: a page for each student."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...render.text import counted
from ..words import CourseCommand
from .options import graded_lessons, takes_lessons, takes_results, takes_rules
from .writing import write

if TYPE_CHECKING:
    from ...course.catalog import Lesson

EXAMPLES = """\b
Examples:
  grade class feedback pages/
  grade class feedback pages/ --hints
"""


@click.command(
    "feedback", cls=CourseCommand, epilog=EXAMPLES, short_help="Write a page for each student."
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--hints", is_flag=True, help="Put the hints into the pages, too, each folded.")
@takes_lessons
@takes_rules
@takes_results
def command(
    folder: Path, hints: bool, lessons: tuple[Lesson, ...], rules: Path | None, results: Path
) -> None:
    """Write a page for each student, with the verdict on the attempt that counts.

    The pages are called after what the students are known by, as in `grade class export csv`.
    """
    from ...classroom.feedback import feedback
    from ...classroom.gradebook import file_names, graded
    from ...classroom.points import class_rules
    from ...classroom.store import Store

    with Store(results) as store:
        chosen = graded_lessons(store.lessons(), lessons)
        found = graded(store, chosen, class_rules(rules))
    keys = (score.attempt.student.key for _, scores in found for score in scores)
    names = file_names(dict.fromkeys(keys))
    for key, page in feedback(found, hints):
        write(page, folder / f"{names[key]}.html")
    click.echo(f"{counted(len(names), 'page')} in {folder}.")
