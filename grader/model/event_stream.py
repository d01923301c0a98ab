"""Server-sent events, as a browser reads them from the body of a response.

The rules are those of the HTML standard, 9.2.6 "Interpreting an event stream".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from .trace import Chunk, Moment, json_in


class ServerEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event, or a comment, with the moment its last byte was sent.

    Attributes:
        data: the lines of data, joined; of a comment, its text.
        event: its type; empty if it has none.
        id: the last id that was given, by this event or one before it.
        is_comment: whether it is a comment, which browsers don't show.
    """

    at: Moment
    data: str
    event: str = ""
    id: str = ""
    is_comment: bool = False

    def json(self) -> Any:
        """The data read as JSON, or None if it isn't JSON."""
        return json_in(self.data)


def events_in(chunks: Iterable[Chunk]) -> Iterator[ServerEvent]:
    """The events and comments of a body. One that is cut off at the end is dropped."""
    data: list[str] = []
    event = last_id = ""
    for at, line in _lines(chunks):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield ServerEvent(at=at, data="\n".join(data), event=event, id=last_id)
            data, event = [], ""
        elif not field:
            yield ServerEvent(at=at, data=value, is_comment=True)
        elif field == "data":
            data.append(value)
        elif field == "event":
            event = value
        elif field == "id" and "\0" not in value:
            last_id = value


def _lines(chunks: Iterable[Chunk]) -> Iterator[tuple[Moment, str]]:
    """Each line with the moment its end was sent; CR, LF and CRLF all end one."""
    pending = b""
    for chunk in chunks:
        pending += chunk.body
        held = b"\r" if pending.endswith(b"\r") else b""  # its LF may be still to come
        text = pending[: len(pending) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = text.split(b"\n")
        pending = rest + held
        yield from ((chunk.at, line.decode("utf-8", "replace")) for line in whole)
