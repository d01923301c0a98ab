"""`grade class FOLDER`: what a whole class has handed in."""

from __future__ import annotations

import click

from . import classes
from .words import CommandGroup

EXAMPLES = """\b
Examples:
  grade class handed-in/ --lesson dayNN             grade all of it
  grade class handed-in/ --lesson dayNN --resume    what is new, or was left
  grade class report                                what they have not understood
  grade class export canvas --out grades.csv        the grades for Canvas
"""


class ClassGroup(CommandGroup):
    """Its default command is to grade: `grade class FOLDER` is `grade class grade FOLDER`."""

    package = classes.__name__
    words = classes.CLASS_COMMANDS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_own = not args or args[0] in (*self.words, "--help")
        if not is_own and not ctx.resilient_parsing:
            args = ["grade", *args]
        return super().parse_args(ctx, args)


@click.group("class", cls=ClassGroup, epilog=EXAMPLES, short_help="Grade a class: for instructors.")
def command() -> None:
    """Grade what a whole class has handed in, and see what it has not understood.

    docs/class.md is the guide. `grade class grade --help` lists the options of grading.
    """
