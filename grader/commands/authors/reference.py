"""`grade dev reference`: all that checks can be made of, from the docstrings."""

from __future__ import annotations

import click

from ..words import CourseCommand

EXAMPLES = """\b
Examples:
  grade dev reference
  grade dev reference > reference.md
"""


@click.command(
    "reference", cls=CourseCommand, epilog=EXAMPLES, short_help="Print what checks are made of."
)
def command() -> None:
    """Print the reference for authors, as markdown: files, pieces of scenarios, aspects, verdicts.

    It is made from the docstrings of the installed kit.
    """
    from ...authoring.reference import reference

    click.echo(reference(), nl=False)
