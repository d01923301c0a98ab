"""`grade site serve`: the site on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..words import CourseCommand

EXAMPLES = """\b
Examples:
  grade site serve                 build it, and serve it
  grade site serve public/         serve what was built there
  grade site serve --port 8001
"""


@click.command(
    "serve", cls=CourseCommand, epilog=EXAMPLES, short_help="Serve the site on this machine."
)
@click.argument(
    "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65534), default=8000, show_default=True)
def command(folder: Path | None, host: str, port: int) -> None:
    """Serve the site that was built into FOLDER; without FOLDER, build one first.

    A browser keeps a site for offline use only at localhost, or by HTTPS.
    """
    from ...site.serving import SiteServer

    with _built(folder) as site, SiteServer(site, host, port) as server:
        click.echo(f"The course is at {server.url}. Stop with Ctrl-C.")
        server.serve_forever()


@contextmanager
def _built(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    from ...site.building import build
    from ...site.bundle import make_kernel

    with TemporaryDirectory() as built:
        click.echo("Building the site …")
        build(Path(built), make_kernel)
        yield Path(built)
