"""`grade site build OUT`: the course as a folder of files for a web server."""

from __future__ import annotations

from pathlib import Path

import click

from ..words import CourseCommand

EXAMPLES = """\b
Examples:
  grade site build public/
"""


@click.command(
    "build", cls=CourseCommand, epilog=EXAMPLES, short_help="Build the site into a folder."
)
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> None:
    """Build the site of the course into the folder OUT, where an earlier one is replaced.

    It works below any path of any web server. Node.js and npm are needed to build it:
    python -m pip install ".[site]" installs them.
    """
    from ...site.building import build
    from ...site.bundle import make_kernel

    build(out, make_kernel)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    click.echo(f"The site is in {out}, {size / 1e6:.0f} MB. Look at it: grade site serve {out}")
