"""A scenario's reply as what goes over the wire, and when."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

import h11

from ...model.scenarios import Reply

NOT_FOUND = Reply(
    status=404,
    headers=(("content-type", "application/json"),),
    body=b'{"detail":"the upstream has no such route"}',
)


class Dropped(Exception):
    """The scenario wants the connection to be lost here."""


def answer(http: h11.Connection, method: str, reply: Reply) -> Iterator[bytes | float]:
    """Bytes to send, and seconds to wait before the next.

    Raises:
        Dropped: the connection is to be closed.
        h11.LocalProtocolError: HTTP has no form for the reply.
    """
    yield reply.seconds
    if reply.drops == "instead":
        raise Dropped
    status_line, end, headers = _sent(http, _head(method, reply)).partition(b"\r\n")
    yield status_line + end
    yield reply.headers_take
    yield headers
    if _has_body(method, reply):
        yield from _body(http, reply)
    if reply.drops == "midway":
        raise Dropped
    yield _sent(http, h11.EndOfMessage())


def _body(http: h11.Connection, reply: Reply) -> Iterator[bytes | float]:
    pieces, body = reply.chunks, reply.body
    if reply.drops == "midway":
        pieces, body = pieces[: len(pieces) // 2], body[: len(body) // 2]
    for piece in pieces:
        yield reply.every
        yield _sent(http, h11.Data(data=piece))
    if reply.drops == "midway":
        yield reply.every if reply.chunks else 0.0
    if not reply.chunks:
        yield _sent(http, h11.Data(data=body))


def _has_body(method: str, reply: Reply) -> bool:
    return method != "HEAD" and reply.status not in (204, 304)


def _head(method: str, reply: Reply) -> h11.Response:
    headers = list(reply.headers)
    if not reply.chunks and _has_body("", reply):
        headers.append(("content-length", str(len(reply.body))))
    return h11.Response(
        status_code=reply.status, headers=headers, reason=_reason(reply.status).encode()
    )


def _reason(status: int) -> str:
    return next((known.phrase for known in HTTPStatus if known == status), "")


def _sent(http: h11.Connection, event: h11.Event) -> bytes:
    """The bytes of an event."""
    return http.send(event) or b""
