"""`grade site`: the course as pages for a browser."""

from __future__ import annotations

import click

from . import sites
from .words import CommandGroup

EXAMPLES = """\b
Examples:
  grade site build public/   build it, for any web server or GitHub Pages
  grade site serve           build it, and serve it on this machine
"""


class SiteGroup(CommandGroup):
    """The commands for a site."""

    package = sites.__name__
    words = sites.SITE_COMMANDS


@click.group(
    "site", cls=SiteGroup, epilog=EXAMPLES, short_help="Put the course on the web, as a site."
)
def command() -> None:
    """Make a site of the course: its lessons, programs, exercises and quizzes in a browser.

    Those who visit it need nothing but the browser. docs/site.md is the guide.
    """
