"""`grade board`: a live page for the room."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..model.errors import UsageError
from .words import CourseCommand

if TYPE_CHECKING:
    from ..board.access import Tokens

EXAMPLES = """\b
Examples:
  grade board                     on this machine, to try it
  grade board --host 0.0.0.0      for everyone on the network
  grade board --names             names, on the instructor's page
"""


@click.command(
    "board", cls=CourseCommand, epilog=EXAMPLES, short_help="Show a room live: for instructors."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("board"),
    show_default=True,
    help="The folder for tokens and reports.",
)
@click.option("--names", is_flag=True, help="Let the instructor's page show names.")
@click.option(
    "--most",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Learners that may report.",
)
def command(host: str, port: int, data: Path, names: bool, most: int) -> None:
    """Serve a page that shows where everyone is, and what is most misunderstood right now.

    Learners take part with --report-to and the address that this prints. Reports are kept, so
    it can be stopped with Ctrl-C, and started again. docs/class.md says more.
    """
    from ..board.app import BoardSettings
    from ..board.serving import serve_board
    from ..course.catalog import lessons
    from ..judge.explaining import summary

    tokens = _tokens(data)
    settings = BoardSettings(tokens, lessons(), summary, may_name=names, most_learners=most)
    with _listener(host, port) as listener:
        serve_board(settings, data, listener, lambda: _show(listener, tokens))


def _tokens(data: Path) -> Tokens:
    from ..board.access import kept_tokens

    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return kept_tokens(data)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no tokens can be kept in {data}: {error}", "name another folder: --data"
        ) from error


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"nothing can be served at {host}:{port}: {reason}", f"try --port {port % 65535 + 1}"
        ) from error


def _show(listener: socket.socket, tokens: Tokens) -> None:
    """How to join, and where to look. The instructor's address is for nobody else."""
    host, port = listener.getsockname()[:2]
    at = f"http://{_reachable(host)}:{port}/"
    click.echo(f"Learners run: grade --watch --report-to {at}#{tokens.join}")
    click.echo(f"Your page:    {at}#{tokens.instructor}")
    if ipaddress.ip_address(host).is_loopback:
        click.echo("Only this machine can reach it; --host 0.0.0.0 opens it to the network.")
    click.echo("Stop with Ctrl-C.")


def _reachable(host: str) -> str:
    """How other machines call this one, if it listens at all its addresses."""
    if ipaddress.ip_address(host).is_unspecified:
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses a way
            host = probe.getsockname()[0]
    return f"[{host}]" if ":" in host else host
