"""`grade dev`: the commands of those who write lessons."""

from __future__ import annotations

import click

from . import authors
from .words import CommandGroup

EXAMPLES = """\b
Examples:
  grade dev mutate dayNN 4   wrong answers that the checks of exercise 4 let pass
"""


class DevGroup(CommandGroup):
    """The commands of authors."""

    package = authors.__name__
    words = authors.AUTHORS_COMMANDS


@click.group("dev", cls=DevGroup, epilog=EXAMPLES, short_help="Write lessons: for authors.")
def command() -> None:
    """Write a lesson, and see whether its checks find what is wrong."""
