"""`grade serve dayNN 2`: serve your app, in real time."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import click

from ..course.answers import answers_file
from ..course.catalog import Exercise, Lesson
from ..course.files import read_source
from ..model.errors import UsageError
from .words import CourseCommand, takes_exercise

EXAMPLES = """\b
Examples:
  grade serve dayNN 2               then open http://127.0.0.1:8000/docs
  grade serve dayNN 2 --port 8001
"""


@click.command(
    "serve",
    cls=CourseCommand,
    epilog=EXAMPLES,
    short_help="Serve your app in real time, to try it yourself.",
)
@takes_exercise
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True)
@click.option("--file", type=click.Path(path_type=Path), help="Serve from another file.")
def command(lesson: Lesson, exercise: Exercise, host: str, port: int, file: Path | None) -> None:
    """Serve the app of an exercise under uvicorn, with its docs page.

    It is served again whenever you save. Where an exercise needs a database it gets one,
    with its tables, for as long as it is served. Stop with Ctrl-C.
    """
    path = file or answers_file(lesson)
    read_source(path)  # or say what is wrong with it, before there is a server
    _see_that_it_is_free(host, port)
    from .serving import serve

    click.echo(f"Exercise {exercise.number}, {exercise.title}: http://{host}:{port}/docs")
    click.echo("Save the file, and it is served again. Stop with Ctrl-C.")
    serve(lesson, exercise, path, host, port)


def _see_that_it_is_free(host: str, port: int) -> None:
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"nothing can be served at {host}:{port}: {reason}", f"try --port {port % 65535 + 1}"
        ) from error
