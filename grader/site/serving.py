"""Serves a built site on this machine."""

from __future__ import annotations

import gzip
import io
from functools import lru_cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

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


SENT_COMPRESSED = (".css", ".html", ".js", ".json", ".mjs", ".svg", ".wasm")
"""What web servers compress on its way, as GitHub Pages does texts."""


@lru_cache(maxsize=256)
def _compressed(file: Path, modified: int) -> bytes:
    """As it is sent. Where a compressed one stands beside a file, it need not be made."""
    beside = file.with_name(f"{file.name}.gz")
    return beside.read_bytes() if beside.is_file() else gzip.compress(file.read_bytes(), mtime=0)


class _Files(SimpleHTTPRequestHandler):
    """Files as any web server gives them, but that no browser keeps an old one."""

    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        file = self._file()
        if file is None or "If-Modified-Since" in self.headers:
            return super().send_head()
        content = _compressed(file, file.stat().st_mtime_ns)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", self.date_time_string(int(file.stat().st_mtime)))
        self.end_headers()
        return io.BytesIO(content)

    def _file(self) -> Path | None:
        """What is asked for, if it is to be compressed."""
        path = Path(self.translate_path(self.path))
        file = path / "index.html" if path.is_dir() and self.path.endswith("/") else path
        accepted = "gzip" in self.headers.get("Accept-Encoding", "")
        return file if accepted and file.suffix in SENT_COMPRESSED and file.is_file() else None

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of what goes well, nor of what is asked for in vain."""
