"""Serves a built site on this machine."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..model.errors import UsageError


class SiteServer(ThreadingHTTPServer):
    """A web server for the files of one folder, at loopback unless it is told otherwise.

    Raises:
        UsageError: nothing can be served at that address.
    """

    daemon_threads = True

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        try:
            super().__init__((host, port), partial(_Files, directory=str(folder)))
        except OSError as error:
            reason = error.strerror or str(error)
            raise UsageError(
                f"nothing can be served at {host}:{port}: {reason}", f"try --port {port + 1}"
            ) from error

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}/"


class _Files(SimpleHTTPRequestHandler):
    """Files as any web server gives them, but that no browser keeps an old one."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of what goes well, nor of what is asked for in vain."""
