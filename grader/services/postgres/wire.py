"""PostgreSQL's wire protocol, as far as a relay has to read it.

From the PostgreSQL documentation, "Frontend/Backend Protocol": a message is a type byte, a
length that counts itself, and a body; only the first packet of a connection has no type.
A client sends messages and ends a batch of them with something that asks for answers: a
Query, a Sync or a Flush. The server's answer to Query and Sync ends with ReadyForQuery.
"""

from __future__ import annotations

import re
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

CANCEL, TLS, GSS = 80877102, 80877103, 80877104
"""The codes of first packets that are not the start of a session."""

FIRST_PACKET = range(8, 10_001)
MESSAGE = range(4, 2**30)
"""The lengths that the server itself accepts, of a first packet and of a message."""

_LENGTH = struct.Struct("!I")

ASKS_FOR_TLS = struct.pack("!II", 8, TLS)
SYNC = b"S\0\0\0\x04"
TERMINATE = b"X\0\0\0\x04"

_ENDS_BATCH = frozenset(b"QSHFp")
"""Query, Sync, Flush, the call of a function (an ancestor of Query), and a password."""

_ANSWERS = {ord("P"): b"1", ord("B"): b"2", ord("C"): b"3", ord("D"): b"Tn", ord("E"): b"CsIG"}
"""What the answer to each message of the extended protocol ends with."""

_NOT_THE_LEARNERS = re.compile(
    r"""\s*(?:$
    |begin\b|start\s+transaction|commit\b|end\b|rollback\b|abort\b|savepoint\s|release\s
    |set\s|show\s|reset\s|discard\s|deallocate\s|close\s|unlisten\s
    |select\s+(?:pg_advisory_unlock_all|pg_catalog\.|current_schema\(\)|1\s+from\s+pg_catalog\.)
    |select\s+(?:current_setting|set_config)\('jit'
    |select\s.*\sfrom\s+(?:pg_catalog\.)?pg_type\s|with\s+recursive\s+typeinfo
    )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""What frames a transaction, and what drivers, pools and SQLAlchemy send by themselves:
to set up a session and to clean it, and to look up types."""

_DECLARE = re.compile(r"\s*declare\s", re.IGNORECASE)
_LISTEN = re.compile(r"\s*listen\s", re.IGNORECASE)


class Malformed(ConnectionError):
    """What came is not PostgreSQL's protocol."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    type: int
    body: bytes

    @property
    def packed(self) -> bytes:
        return struct.pack("!BI", self.type, len(self.body) + 4) + self.body


class FrameParser:
    """Cuts a stream of bytes into messages.

    Attributes:
        first_packet: whether a packet that has no type comes next, as at the beginning of a
            client's stream; it is given as a frame of type 0.
    """

    def __init__(self, first_packet: bool) -> None:
        self.first_packet = first_packet
        self._buffer = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The messages that are complete now.

        Raises:
            Malformed: one has a length that none can have.
        """
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data
        while frame := self._next():
            yield frame

    def _next(self) -> Frame | None:
        begin = self._at + (0 if self.first_packet else 1)
        if len(self._buffer) < begin + 4:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer, begin)
        if length not in (FIRST_PACKET if self.first_packet else MESSAGE):
            raise Malformed(f"a message of {length} bytes")
        end = begin + length
        if len(self._buffer) < end:
            return None
        kind = 0 if self.first_packet else self._buffer[self._at]
        self._at, self.first_packet = end, False
        return Frame(kind, bytes(self._buffer[begin + 4 : end]))


@dataclass(slots=True)
class Statement:
    """A statement as the client sent it.

    Attributes:
        parameters: how many values came with it, each time.
        rows: how many rows it answered with, or changed.
        times: how often it was carried out.
    """

    text: str
    parameters: int = 0
    rows: int = 0
    times: int = 1

    @property
    def is_learners(self) -> bool:
        return not all(map(_NOT_THE_LEARNERS.match, self._parts))

    @property
    def _parts(self) -> list[str]:
        """The statements of a text of several. Where a value has a `;`, there seem to be more."""
        return self.text.split(";")

    @property
    def takes_time(self) -> bool:
        """Whether the server has work with it; to declare a cursor is none, to fetch is."""
        return self.is_learners and not _DECLARE.match(self.text)

    @property
    def listens(self) -> bool:
        return any(map(_LISTEN.match, self._parts))


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A statement as it was parsed, whatever it is called by."""

    text: str


@dataclass(slots=True)
class Batch:
    """Messages up to one that asks for an answer, and the statements that they carry out.

    Attributes:
        wants_data: whether the server waits for the data of a COPY.
    """

    frames: list[Frame] = field(default_factory=list)
    wants_data: bool = False
    _executed: list[Statement] = field(default_factory=list)
    _by_parse: dict[Parsed, Statement] = field(default_factory=dict)
    _owed: deque[bytes] = field(default_factory=deque)
    _done: int = 0
    _rows: int = 0

    @property
    def packed(self) -> bytes:
        return b"".join(frame.packed for frame in self.frames)

    @property
    def statements(self) -> list[Statement]:
        return list(self._by_parse.values())

    @property
    def is_synced(self) -> bool:
        """Whether the answer ends with ReadyForQuery."""
        return self.frames[-1].type != ord("H")

    @property
    def is_copied_data(self) -> bool:
        """Whether it is the data of a COPY, and nothing else."""
        return all(frame.type in b"dcf" for frame in self.frames)

    @property
    def expects_answer(self) -> bool:
        return self.is_synced or bool(self._owed)

    def add(self, frame: Frame) -> None:
        self.frames.append(frame)
        if answer := _ANSWERS.get(frame.type):
            self._owed.append(answer)

    def execute(self, parsed: Parsed, parameters: int = 0) -> None:
        """A statement that is parsed once and carried out for many rows is one statement."""
        statement = self._by_parse.setdefault(parsed, Statement(parsed.text, parameters, times=0))
        statement.times += 1
        self._executed.append(statement)

    def take(self, answer: Frame) -> bool:
        """Take a message of the answer, and count its rows; whether the answer is complete."""
        if answer.type == ord("D"):
            self._rows += 1
            return False
        if answer.type in b"CIs":
            self._note_end(answer)
        self.wants_data = answer.type in b"GW"
        if self.wants_data or self.is_synced:
            return answer.type in b"GWZ"
        if self._owed and answer.type in self._owed[0]:
            self._owed.popleft()
        return answer.type == ord("E") or not self._owed

    def _note_end(self, answer: Frame) -> None:
        """A statement is over. Its rows are those that came, or else those that it counts."""
        if self._executed:
            about = self._executed[min(self._done, len(self._executed) - 1)]
            about.rows += self._rows or _rows_in(answer.body)
        self._rows = 0
        self._done += 1

    def in_error(self, sqlstate: str, text: str) -> Batch:
        """What to send in its place, so that the server itself fails with an error."""
        failing = Batch()
        copied = [frame.type in b"dcf" for frame in self.frames]
        if any(copied):  # it is the data of a COPY
            failing.add(Frame(ord("f"), text.encode() + b"\0"))
            for frame in self.frames[copied.count(True) :]:
                failing.add(frame)
        else:
            failing.add(Frame(ord("Q"), _raising(sqlstate, text).encode() + b"\0"))
        return failing


class Batches:
    """Puts a client's messages together to batches, and knows its prepared statements."""

    def __init__(self) -> None:
        self._now = Batch()
        self._ended_by = 0
        self._prepared: dict[bytes, Parsed] = {}
        self._portals: dict[bytes, tuple[Parsed, int]] = {}

    def add(self, frame: Frame) -> Batch | None:
        """Take a message; the batch, if it is complete.

        Raises:
            Malformed: the message is not what its type says.
        """
        self._now.add(frame)
        try:
            self._read(frame)
        except (ValueError, struct.error) as error:
            raise Malformed(f"a message of type {frame.type}") from error
        if not self._is_end(frame.type):
            return None
        batch, self._now = self._now, Batch()
        return batch

    def _is_end(self, kind: int) -> bool:
        if kind in b"cf":  # of the data of a COPY; unless a Query asked for it, a Sync follows
            return self._ended_by == ord("Q")
        if kind in _ENDS_BATCH:
            self._ended_by = kind
        return kind in _ENDS_BATCH

    def _read(self, frame: Frame) -> None:
        match chr(frame.type):
            case "Q":
                self._now.execute(Parsed(_text(_strings(frame.body, 1)[0])))
            case "P":
                name, text, _ = _strings(frame.body, 2)
                self._prepared[name] = Parsed(_text(text))
            case "B":
                portal, name, rest = _strings(frame.body, 2)
                parsed = self._prepared.get(name, Parsed(""))
                self._portals[portal] = parsed, _number_of_values(rest)
            case "E":
                portal, _ = _strings(frame.body, 1)
                self._now.execute(*self._portals.get(portal, (Parsed(""), 0)))


def _strings(body: bytes, count: int) -> list[bytes]:
    """The zero-terminated strings that a body begins with, and what is after them."""
    parts = body.split(b"\0", count)
    if len(parts) <= count:
        raise ValueError("a string has no end")
    return parts


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _number_of_values(bound: bytes) -> int:
    """Of a Bind, after its names: formats come first."""
    (formats,) = struct.unpack_from("!H", bound)
    (values,) = struct.unpack_from("!H", bound, 2 + 2 * formats)
    return int(values)


def query(sql: bytes) -> bytes:
    """A Query."""
    return Frame(ord("Q"), sql + b"\0").packed


def is_ready(frame: Frame) -> bool:
    """Whether it is a ReadyForQuery."""
    return frame.type == ord("Z")


def error(severity: str, sqlstate: str, text: str) -> Frame:
    """An ErrorResponse."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text}
    packed = b"".join(key.encode() + value.encode() + b"\0" for key, value in fields.items())
    return Frame(ord("E"), packed + b"\0")


def _raising(sqlstate: str, text: str) -> str:
    state = sqlstate if re.fullmatch(r"[0-9A-Z]{5}", sqlstate) else "XX000"
    quoted = text.replace("'", "''").replace("%", "%%")
    return f"do $fault$begin raise exception '{quoted}' using errcode = '{state}'; end$fault$"


def _rows_in(tag: bytes) -> int:
    """How many rows a CommandComplete counts, as in `INSERT 0 3` and `SELECT 2`."""
    last = tag.rstrip(b"\0").rpartition(b" ")[2]
    return int(last) if last.isdigit() else 0
