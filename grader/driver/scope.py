"""A request as a server describes it to the app."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from ..model.headers import Headers
from ..model.scenarios import Request, WebSocket


def http_scope_of(request: Request, number: int) -> dict[str, Any]:
    """The ASGI scope of a request: uvicorn's for HTTP/1.1, with its version of the protocol.

    Args:
        number: of the client; each has a port of its own.
    """
    sent_by_all = [("host", request.server[0])]
    is_chunked = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
    if request.pieces:
        if not any(name.lower() == "content-length" for name, _ in request.headers):
            sent_by_all.append(("transfer-encoding", "chunked"))
    elif request.body and not is_chunked:
        sent_by_all.append(("content-length", str(len(request.body))))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": request.method,
        "scheme": request.scheme,
        "headers": _encoded(_with(request.headers, sent_by_all)),
        **_connection(request, number),
    }


def websocket_scope_of(request: WebSocket, number: int) -> dict[str, Any]:
    """The ASGI scope of a WebSocket: uvicorn's, with its version of the protocol."""
    handshake = [
        ("host", request.server[0]),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]
    headers = _with(request.headers, handshake)
    if request.subprotocols:
        headers.append(("sec-websocket-protocol", ", ".join(request.subprotocols)))
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "scheme": "wss" if request.scheme in ("https", "wss") else "ws",
        "headers": _encoded(headers),
        "subprotocols": list(request.subprotocols),
        "extensions": {"websocket.http.response": {}},
        **_connection(request, number),
    }


def _connection(request: Request | WebSocket, number: int) -> dict[str, Any]:
    return {
        "http_version": "1.1",
        "path": request.root_path + unquote(request.path),
        "raw_path": (request.root_path + request.path).encode(),
        "query_string": request.query.encode(),
        "root_path": request.root_path,
        "client": request.address or ("127.0.0.1", 50_000 + number % 10_000),
        "server": request.server,
    }


def _with(given: Headers, defaults: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What is given, as often and in that order, after the defaults that it does not replace."""
    headers = [(name.lower(), value) for name, value in given]
    names = {name for name, _ in headers}
    return [default for default in defaults if default[0] not in names] + headers


def _encoded(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
