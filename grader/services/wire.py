"""PostgreSQL's wire protocol, as far as a relay has to read it.

From the PostgreSQL documentation, "Frontend/Backend Protocol": a message is a type byte, a
length that counts itself, and a body; only the first packet of a connection has no type.
A client sends messages and ends a batch of them with something that asks for answers: a
Query, a Sync or a Flush. The server's answer to Query and Sync ends with ReadyForQuery.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

PROTOCOL, CANCEL, TLS, GSS = 0x30000, 80877102, 80877103, 80877104
"""The codes of first packets. Of a protocol version only the upper half is looked at."""

ENDS_BATCH = frozenset(b"QSHFp")
"""Query, Sync, Flush, the call of a function (an ancestor of Query), and a password."""

_ANSWER_AFTER_FLUSH = {ord("P"): b"1", ord("B"): b"2", ord("C"): b"3", ord("D"): b"Tn"}
_ANSWER_AFTER_FLUSH[ord("E")] = b"CsI"

NO_STATEMENT = re.compile(
    r"""\s*(begin|start\s|commit|end\b|rollback|abort|savepoint|release|set\s|reset|discard
    |deallocate|close\s|unlisten|show\s|select\s+pg_advisory_unlock_all|with\s+recursive\s+typeinfo
    |select\s+pg_catalog\.|select\s+typname\s+as|select\s+current_schema\(\)|;|$)""",
    re.IGNORECASE | re.VERBOSE,
)
"""What drivers, pools and SQLAlchemy send of their own accord, and what frames a transaction."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    type: int
    body: bytes

    @property
    def packed(self) -> bytes:
        return struct.pack("!BI", self.type, len(self.body) + 4) + self.body


class Parser:
    """Cuts a stream of bytes into messages.

    Args:
        first_packet: whether the stream begins with a packet that has no type, as a client's
            does; it is given as a frame of type 0.
    """

    def __init__(self, first_packet: bool) -> None:
        self._buffer = bytearray()
        self.first_packet = first_packet

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that are complete now."""
        self._buffer += data
        while frame := self._next():
            yield frame

    def _next(self) -> Frame | None:
        skip = 0 if self.first_packet else 1
        if len(self._buffer) < skip + 4:
            return None
        end = skip + int.from_bytes(self._buffer[skip : skip + 4])
        if len(self._buffer) < end:
            return None
        frame = Frame(
            0 if self.first_packet else self._buffer[0], bytes(self._buffer[skip + 4 : end])
        )
        del self._buffer[:end]
        self.first_packet = False
        return frame


def texts(body: bytes) -> list[str]:
    """The zero-terminated strings that a body begins with."""
    return [part.decode("utf-8", "replace") for part in body.split(b"\0")]


@dataclass(slots=True)
class Statement:
    """A statement as the client sent it.

    Attributes:
        rows: how many rows it answered with, or changed.
    """

    text: str
    parameters: int = 0
    rows: int = 0

    @property
    def is_learners(self) -> bool:
        return NO_STATEMENT.match(self.text) is None


@dataclass(slots=True)
class Batch:
    """Messages up to one that asks for an answer, and the statements that they carry out."""

    frames: list[Frame] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    _done: int = 0

    @property
    def packed(self) -> bytes:
        return b"".join(frame.packed for frame in self.frames)

    @property
    def is_synced(self) -> bool:
        """Whether the answer ends with ReadyForQuery."""
        return self.frames[-1].type != ord("H")

    def note(self, answer: Frame) -> None:
        """Count the rows that an answer tells of, for the statement that it is about."""
        if not self.statements:
            return
        about = self.statements[min(self._done, len(self.statements) - 1)]
        if answer.type == ord("D"):
            about.rows += 1
        elif answer.type == ord("C"):
            about.rows = about.rows or rows_in(answer.body)
            self._done += 1

    def is_answered_by(self, frame: Frame) -> bool:
        """Whether the answer is complete with this message."""
        if frame.type in b"ZGW":
            return True
        if self.is_synced:
            return False
        before = [asked.type for asked in self.frames if asked.type != ord("H")]
        return not before or frame.type == ord("E") or frame.type in _ANSWER_AFTER_FLUSH[before[-1]]


class Batches:
    """Puts a client's messages together to batches, and knows its prepared statements."""

    def __init__(self) -> None:
        self._now = Batch()
        self._is_simple = False
        self._prepared: dict[str, str] = {}
        self._portals: dict[str, Statement] = {}

    def add(self, frame: Frame) -> Batch | None:
        """Take a message; the batch, if it is complete."""
        self._now.frames.append(frame)
        self._read(frame)
        ends_copy = frame.type in b"cf" and self._is_simple  # else a Sync follows
        if frame.type not in ENDS_BATCH and not ends_copy:
            return None
        self._is_simple = ends_copy or frame.type == ord("Q")
        batch, self._now = self._now, Batch()
        return batch

    def _read(self, frame: Frame) -> None:
        match chr(frame.type):
            case "Q":
                self._now.statements.append(Statement(texts(frame.body)[0]))
            case "P":
                name, text, *_ = texts(frame.body)
                self._prepared[name] = text
            case "B":
                self._bind(frame.body)
            case "E":
                self._execute(texts(frame.body)[0])

    def _bind(self, body: bytes) -> None:
        portal, name, _ = body.split(b"\0", 2)
        rest = body[len(portal) + len(name) + 2 :]
        (formats,) = struct.unpack_from("!H", rest)
        (parameters,) = struct.unpack_from("!H", rest, 2 + 2 * formats)
        text = self._prepared.get(name.decode("utf-8", "replace"), "")
        self._portals[portal.decode("utf-8", "replace")] = Statement(text, parameters)

    def _execute(self, portal: str) -> None:
        """A statement that one batch carries out for many rows is one statement."""
        statement = self._portals.get(portal, Statement(""))
        if not any(statement.text == other.text for other in self._now.statements):
            self._now.statements.append(statement)


def error(severity: str, sqlstate: str, text: str) -> Frame:
    """An ErrorResponse."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text}
    packed = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items())
    return Frame(ord("E"), packed + b"\0")


def raising(sqlstate: str, text: str) -> bytes:
    """A Query that makes the server itself fail, so that it knows of the failed transaction."""
    state = sqlstate if re.fullmatch(r"[0-9A-Z]{5}", sqlstate) else "XX000"
    quoted = text.replace("'", "''").replace("%", "%%")
    query = f"do $fault$begin raise exception '{quoted}' using errcode = '{state}'; end$fault$"
    return Frame(ord("Q"), query.encode() + b"\0").packed


def rows_in(tag: bytes) -> int:
    """How many rows a CommandComplete tells of, as in `INSERT 0 3` and `SELECT 2`."""
    last = tag.rstrip(b"\0").rpartition(b" ")[2]
    return int(last) if last.isdigit() else 0
