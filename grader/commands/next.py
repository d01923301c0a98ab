"""`grade next`: the exercise at hand."""

from __future__ import annotations

import click

from ..course import catalog
from ..course.files import shown
from .progress_file import progress_file

EXAMPLES = """\b
Example:
  grade next
"""


@click.command("next", epilog=EXAMPLES, short_help="Show the exercise that comes next.")
def command() -> None:
    """Show the first exercise that you have not solved: what it asks for, and where it is."""
    from ..course.answers import answers_file, learners_or_stub
    from ..render.console import console
    from ..render.listing import show_next

    found = progress_file().read().first_unsolved(catalog.lessons())
    if found is None:
        click.echo("You have solved all there is. To see another way: grade solution day53 1")
        return
    lesson, exercise = found
    show_next(lesson, exercise, learners_or_stub(lesson), shown(answers_file(lesson)), console())
