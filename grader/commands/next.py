"""`grade next`: the exercise that comes next."""

from __future__ import annotations

import click

from ..course import catalog
from ..course.files import shown
from .progress_file import progress_file
from .words import CourseCommand

EXAMPLES = """\b
Example:
  grade next
"""


@click.command(
    "next", cls=CourseCommand, epilog=EXAMPLES, short_help="Show the exercise that comes next."
)
def command() -> None:
    """Show the first exercise that you have not solved: what it asks for, and where it is."""
    from ..course.answers import answers_file, learners_or_stub
    from ..render.console import console
    from ..render.listing import show_next

    found = progress_file().read().first_unsolved(catalog.lessons())
    if found is None:
        name = catalog.lessons()[0].name
        click.echo(f"You have solved everything. To see another way: grade solution {name} 1")
        return
    lesson, exercise = found
    show_next(lesson, exercise, learners_or_stub(lesson), shown(answers_file(lesson)), console())
