"""A request as a server describes it to the app."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ..model.scenarios import WebSocket

HOST = "testserver"


def websocket_scope_of(request: WebSocket, number: int, state: dict[str, Any]) -> dict[str, Any]:
    """The ASGI scope of a WebSocket: uvicorn's, with its version of the protocol."""
    handshake = {
        "host": HOST,
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    given = dict(request.headers)
    headers = [(name, value) for name, value in handshake.items() if name not in given]
    headers += given.items()
    if request.subprotocols:
        headers.append(("sec-websocket-protocol", ", ".join(request.subprotocols)))
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": unquote(request.path),
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 50_000 + number % 10_000),
        "server": (HOST, 80),
        "subprotocols": list(request.subprotocols),
        "state": state.copy(),
        "extensions": {"websocket.http.response": {}},
    }
