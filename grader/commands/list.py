"""`grade list`: the course with its state."""

from __future__ import annotations

import click

from ..course import catalog
from .progress_file import progress_file
from .words import CourseCommand

EXAMPLES = """\b
Example:
  grade list
"""


@click.command(
    "list",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="List the lessons and exercises, with their state.",
)
def command() -> None:
    """List the lessons and their exercises, and how far you are.

    Nothing is graded: the state is that of the last grading.
    """
    from ..course.answers import learners_or_stub
    from ..render.console import console
    from ..render.listing import show_list

    progress = progress_file().read()
    screen = console()
    for lesson in catalog.lessons():
        show_list(lesson, progress.lesson(lesson), learners_or_stub(lesson), screen)
