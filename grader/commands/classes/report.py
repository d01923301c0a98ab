"""`grade class report FILE`: what a class has not understood."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...model.errors import UsageError
from ..words import CourseCommand
from .options import graded_lessons, takes_lessons, takes_results, takes_rules
from .writing import write

if TYPE_CHECKING:
    from ...course.catalog import Lesson

EXAMPLES = """\b
Examples:
  grade class report                      the page class.html, without names
  grade class report mine.html --names
"""


@click.command(
    "report", cls=CourseCommand, epilog=EXAMPLES, short_help="See what a class has not understood."
)
@click.argument("page", type=click.Path(path_type=Path), default=Path("class.html"))
@click.option("--names", is_flag=True, help="Name the students, for your own eyes.")
@takes_lessons
@takes_rules
@takes_results
def command(
    page: Path, names: bool, lessons: tuple[Lesson, ...], rules: Path | None, results: Path
) -> None:
    """Write one page on a class: who is stuck where, and on which misconception.

    Without --names students are numbers, different ones each time. In their code comments and
    docstrings are left out, and their names, so that the page can be shown to the room. It loads
    nothing, and can be sent as it is.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{page} does not end in .html", "for example: grade class report a.html")
    from ...classroom.names import Names, course_texts
    from ...classroom.overview import ClassOverview
    from ...classroom.page import to_class_page
    from ...classroom.points import class_rules
    from ...classroom.store import Store

    with Store(results) as store:
        chosen = graded_lessons(store.lessons(), lessons)
        known = class_rules(rules)
        attempts = {lesson: list(store.attempts(lesson.name)) for lesson in chosen}
    students = [one.student for each in attempts.values() for one in each]
    called = Names(students, names, course_texts(chosen))
    found = [ClassOverview(one, called.in_order(attempts[one]), known) for one in chosen]
    write(to_class_page(found, called), page)
    click.echo(f"The page is in {page}.")
