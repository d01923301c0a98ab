"""`grade dev`: the commands of those who write lessons."""

from __future__ import annotations

from importlib import import_module

import click

from .authors import AUTHORS_COMMANDS
from .words import CourseCommand

EXAMPLES = """\b
Examples:
  grade dev mutate dayNN 4   wrong answers that the checks of exercise 4 let pass
"""


class DevGroup(CourseCommand, click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(AUTHORS_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in AUTHORS_COMMANDS:
            return None
        found: click.Command = import_module(f".authors.{cmd_name}", __package__).command
        return found


@click.group("dev", cls=DevGroup, epilog=EXAMPLES, short_help="Write lessons: for authors.")
def command() -> None:
    """Write a lesson, and see whether its checks find what is wrong."""
