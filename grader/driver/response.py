"""A response as the app sends it, message by message, held to the protocol as uvicorn holds it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ..model.trace import Chunk, Moment

Message = MutableMapping[str, Any]
"""What ASGI has an app send and receive."""

WITHOUT_BODY = (204, 304)
"""The statuses whose responses end with their headers."""


class Response:
    """What has come of a response.

    Args:
        method: the request's; the answer to HEAD has no body.
        now: gives the moment.

    Attributes:
        lines: lines of the body that are complete.
        completed: the moment of its last message; None while there is more to come.
    """

    def __init__(self, method: str, now: Callable[[], Moment]) -> None:
        self._is_head = method == "HEAD"
        self._now = now
        self._start: dict[str, Any] = {}
        self._chunks: list[Chunk] = []
        self._left: int | None = None  # bytes of the announced length that are still to come
        self._trailers: tuple[tuple[str, str], ...] | None = None
        self.lines = 0
        self.completed: Moment | None = None

    def take(self, message: Message) -> None:
        """Take the app's next message.

        Raises:
            RuntimeError: it isn't one that may come now.
        """
        kind = message["type"]
        if not self._start:
            _expect("http.response.start", kind)
            self._begin(message)
        elif self.completed is None:
            _expect("http.response.body", kind)
            self._go_on(bytes(message.get("body", b"")), message.get("more_body", False))
        elif kind == "http.response.trailers" and self._trailers is not None:
            self._trailers += headers_of(message)
        else:
            raise RuntimeError(
                f"Unexpected ASGI message '{kind}' sent, after response already completed."
            )

    def _begin(self, message: Message) -> None:
        headers, status = headers_of(message), int(message["status"])
        self._start = {"status": status, "headers": headers, "responded": self._now()}
        self._trailers = () if message.get("trailers") else None
        self._left = 0 if status in WITHOUT_BODY else None
        if length := [int(value) for name, value in headers if name == "content-length"]:
            self._left = length[0]

    def _go_on(self, body: bytes, more: bool) -> None:
        if not self._is_head:
            self._add(body)
            if self._left and not more:
                raise RuntimeError("Response content shorter than Content-Length")
        if not more:
            self.completed = self._now()

    def _add(self, body: bytes) -> None:
        if self._left is not None:
            if len(body) > self._left:
                raise RuntimeError("Response content longer than Content-Length")
            self._left -= len(body)
        if body:
            self._chunks.append(Chunk(self._now(), body))
            self.lines += body.count(b"\n")

    def facts(self) -> dict[str, Any]:
        """What is known of it, as fields of an `Exchange`."""
        facts = {**self._start, "chunks": tuple(self._chunks), "trailers": self._trailers or ()}
        return facts if self.completed is None else {**facts, "completed": self.completed}


def _expect(wanted: str, kind: str) -> None:
    if kind != wanted:
        raise RuntimeError(f"Expected ASGI message '{wanted}', but got '{kind}'.")


def headers_of(message: Message) -> tuple[tuple[str, str], ...]:
    """The headers, or the trailers, of a response, with their names in small letters."""
    given = message.get("headers", ())
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in given)
