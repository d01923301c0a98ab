"""`grade doctor`: whether this machine has what the course needs."""

from __future__ import annotations

import click

from .words import CourseCommand

EXAMPLES = """\b
Example:
  grade doctor
"""


@click.command(
    "doctor", cls=CourseCommand, epilog=EXAMPLES, short_help="Look for what is missing or broken."
)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Try what the course needs: Python, packages, folders, databases, the clock.

    Each line that is not in order says what to do. Exit status: 0 if all is in order.
    """
    from ..render.console import console
    from ..render.findings import show_finding
    from .examinations import examinations

    screen = console()
    healthy = True
    for examine in examinations():
        finding = examine()
        show_finding(finding, screen)
        healthy &= finding.ok or finding.optional
    ctx.exit(0 if healthy else 1)
