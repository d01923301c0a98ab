"""The trace: what happened in one play, as plain data.

This module is the vocabulary of the whole project. The worker writes a trace, the
judge and the renderers read it, and nothing here has any logic beyond reading its
own fields. Moments are whole ticks of a virtual clock (see `TICKS_PER_SECOND`), so
that sums of tenths are exact.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from .event_stream import ServerEvent

from .details import Detail, GraderProblem

TICKS_PER_SECOND = 1_000_000
"""A tick is a microsecond of virtual time."""

FLOAT_NOISE = 1e-6
"""Ticks by which a sum or difference of floats may be off: a picosecond."""

NEVER = 2**62
"""The tick of what will not happen, such as the end of `asyncio.sleep(float("inf"))`."""

SpanKind = Literal[
    "call",
    "wait",
    "task",
    "thread",
    "blocked",
    "connection",
    "statement",
    "transaction",
    "request",
    "dependency",
    "cleanup",
    "validation",
    "handler",
]
"""`call`: a collaborator at work. `wait`: a task suspended at a line of the learner's.
`task`: the life of a task that the learner's code made. `thread`: a sleep in a worker
thread. `blocked`: the loop frozen by a blocking call. `connection`: the life of a
connection to a service, numbered by `resource`; `statement`, `transaction` and `request`:
what went over it. Their `arguments` are the text (or method and path), and the number of
parameters (or the status); `count` is the rows of the answer, and `times` how often a
statement was carried out: `executemany` does that once for each of its rows.

`dependency`: FastAPI solves one, without those that it needs itself; up to its `yield`, if it has
one. `cleanup`: what follows the `yield`. `validation`: the parameters of an endpoint or a
dependency; if it has failed, `arguments` say where and in what (`query.page: int_parsing`).
`handler`: an exception handler of the learner's at work; `arguments` has the error's class."""

AROUND = frozenset[SpanKind]({"dependency", "cleanup", "validation", "handler"})
"""Kinds of spans in which FastAPI runs what belongs to an endpoint, whatever that does itself."""

Ending = Literal["done", "cancelled", "failed", "open"]
"""How a span ended; `open` if it had not when the play was over."""

IncidentKind = Literal[
    "loop-blocked",
    "never-awaited",
    "task-unreferenced",
    "task-sent",
    "exception-unretrieved",
    "callback-failed",
    "not-thread-safe",
    "lifespan-failed",
    "cancellation-swallowed",
]
"""What is never right in the learner's code, wherever it happens. A library's doing doesn't count.

`loop-blocked`: a call (`detail`) held the loop's own thread, for `seconds` if that is known.
`never-awaited`: a coroutine was made, or an async function handed to what calls plain
functions, at this line. `task-unreferenced`: nothing but the loop refers to a task made here.
`task-sent`: a task or future stands in an answer, and JSON makes an empty object of it.
`exception-unretrieved`: a task died of this at that moment, and its result was never asked for.
`callback-failed`: a done-callback, or what `call_soon` or `call_later` called, raised.
`not-thread-safe`: another thread than the loop's called `detail`, which does not wake the loop.
`lifespan-failed`: startup or shutdown raised. `cancellation-swallowed`: a timeout's block, or
a cancelled task at this line, went on as if nothing had been."""


OutcomeKind = Literal[
    "finished",
    "syntax-error",
    "import-failed",
    "factory-missing",
    "factory-failed",
    "not-an-app",
    "startup-failed",
    "stuck",
    "ran-away",
    "endless-loop",
    "process-died",
    "out-of-memory",
    "output-flood",
    "too-much",
    "grader-broke",
]
"""`startup-failed`: the lifespan failed before the app could be served, so no request was sent.
`too-much`: what happened is more than can be written down, or looked at in reasonable time."""


def to_ticks(seconds: float) -> int:
    """The ticks that have passed when `seconds` have; for ever is `NEVER`.

    A part of a tick counts as a whole one, so that no wait is shorter than was asked for.
    What floats add to a sum of decimals, as in 0.1 + 0.2, does not count.
    """
    ticks = seconds * TICKS_PER_SECOND
    if ticks >= NEVER:
        return NEVER
    nearest = round(ticks)
    off = abs(ticks - nearest)
    is_whole = off <= FLOAT_NOISE or off <= abs(ticks) * 2**-50
    return nearest if is_whole else math.ceil(ticks)


def to_seconds(ticks: int) -> float:
    """The float nearest to `ticks`; equal ticks give equal floats."""
    return ticks / TICKS_PER_SECOND


class Moment(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A point in virtual time, and its place among the events of the same tick."""

    tick: int
    order: int

    @property
    def seconds(self) -> float:
        return to_seconds(self.tick)


class Failure(msgspec.Struct, frozen=True):
    """An exception: its class, its text, and the learner's line that it came through.

    `within` are the errors of a group. `context` is the class of the exception that others'
    code was handling when it raised this one; then `line` is that of the former.
    """

    type: str
    text: str
    line: int | None = None
    traceback: str = ""
    column: int | None = None
    bases: tuple[str, ...] = ()
    within: tuple[Failure, ...] = ()
    context: str = ""


DEEPEST_JSON = 100
"""Levels of lists and objects within each other, up to which a text is read as JSON."""


def json_in(text: str | bytes) -> Any:
    """A text read as JSON, or None if it isn't JSON, or is nested too deeply to be read."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if _is_shallow(value) else None


def _is_shallow(value: Any) -> bool:
    """Whether a value is nested no deeper than `DEEPEST_JSON`. Looks level by level."""
    level = [value]
    for _ in range(DEEPEST_JSON):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return True
    return False


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


class Chunk(msgspec.Struct, frozen=True):
    """A piece of a response's body and the moment it was sent."""

    at: Moment
    body: bytes


class SocketMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message on a WebSocket: when it was sent, and by which side.

    `text` is None if it was a message of bytes; then `body` has them. `line` is the learner's
    line that sent it.
    """

    at: Moment
    by: Literal["client", "server"]
    text: str | None = None
    body: bytes = b""
    line: int | None = None

    def json(self) -> Any:
        """The text read as JSON, or None if it isn't JSON."""
        return json_in(self.text or "")


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a WebSocket: which side closed it, and with which code.

    1006 is a connection that ended without a close frame. `line` is the learner's line that
    closed it.
    """

    at: Moment
    by: Literal["client", "server"]
    code: int
    reason: str = ""
    line: int | None = None


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came back.

    A WebSocket has the method `WEBSOCKET`, and the status 101 once it was accepted; `responded`
    is the moment of that, and `completed` that of the closing. `refused` is the moment at which
    a stopping server turned the request away.

    A header that came several times is in `headers` as often, and `trailers` are those that came
    after the body. `completed` is the moment of the last body chunk, `returned` the moment the ASGI
    call itself was over (after background tasks), `hung_up` the moment the client left.
    `handled` is the error in whose handler an HTTPException was made, if one was. `line` is
    where the endpoint that was asked begins, with its decorators.
    """

    number: int
    method: str
    path: str
    started: Moment
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunks: tuple[Chunk, ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()
    responded: Moment | None = None
    completed: Moment | None = None
    returned: Moment | None = None
    hung_up: Moment | None = None
    raised: Failure | None = None
    handled: Failure | None = None
    line: int | None = None
    messages: tuple[SocketMessage, ...] = ()
    subprotocol: str | None = None
    closing: Closing | None = None
    refused: Moment | None = None

    @property
    def is_success(self) -> bool:
        """Whether the status is one from 200 to 299: not every good answer is a 200."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def elapsed(self) -> float | None:
        """Seconds from the request to the last byte of the response; None without one."""
        if self.completed is None:
            return None
        return to_seconds(self.completed.tick - self.started.tick)

    @property
    def body(self) -> bytes:
        return b"".join(chunk.body for chunk in self.chunks)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        """The value of the first header called `name`, or an empty string."""
        return next((value for key, value in self.headers if key == name.lower()), "")

    def json(self) -> Any:
        """The body read as JSON, or None if it isn't JSON."""
        return json_in(self.body)

    def events(self) -> tuple[ServerEvent, ...]:
        """The body read as server-sent events and comments, each with its moment."""
        from .event_stream import events_in

        return tuple(events_in(self.chunks))

    def lines(self) -> Iterator[Chunk]:
        """The body line by line, each with the moment its last byte was sent."""
        pending: list[bytes] = []  # joined once: a line may come in many thousand chunks
        for chunk in self.chunks:
            first, *rest = chunk.body.split(b"\n")
            pending.append(first)
            for part in rest:
                yield from _line(chunk.at, pending)
                pending = [part]
        if pending:
            yield from _line(self.chunks[-1].at, pending)


def _line(at: Moment, parts: list[bytes]) -> Iterator[Chunk]:
    line = b"".join(parts)
    if line.strip():
        yield Chunk(at, line)


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Something that took time: what, where in the learner's file, from when to when.

    `resource` numbers the connection or generator that a call belongs to, `exchange`
    the request that it was made for, and `arguments` is what a collaborator was given.
    """

    kind: SpanKind
    name: str
    start: Moment
    end: Moment
    how: Ending
    line: int | None = None
    task: str = ""
    exchange: int | None = None
    resource: int | None = None
    count: int = 0
    times: int = 1
    arguments: tuple[Any, ...] = ()

    @property
    def seconds(self) -> float:
        return to_seconds(self.end.tick - self.start.tick)


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is never right, whatever the exercise asks for."""

    kind: IncidentKind
    at: Moment
    line: int | None = None
    seconds: float = 0.0
    detail: str = ""
    exchange: int | None = None


class LogRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that the learner's code logged.

    `extra` is what was logged with it in `extra=`, as text. `error` is the class of the
    exception whose traceback it has, if it has one, and `line` where that came through the
    learner's file.
    """

    logger: str
    level: str
    message: str
    at: Moment
    extra: dict[str, str] = {}
    error: str | None = None
    error_text: str = ""
    exchange: int | None = None
    line: int | None = None


class Waiting(msgspec.Struct, frozen=True):
    """A task that would have waited for ever: where, and for what."""

    task: str
    line: int | None
    what: str
    exchange: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """How a play ended, and what is known of why."""

    kind: OutcomeKind
    failure: Failure | None = None
    line: int | None = None
    detail: Detail | None = None
    waiting: tuple[Waiting, ...] = ()

    @property
    def problem(self) -> str:
        """What broke in the grader itself; empty if nothing did."""
        return self.detail.text if isinstance(self.detail, GraderProblem) else ""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened in one play.

    `opened` is when the app began to take requests. `readings` is what the grader read of
    its services when the app was down, by query.
    """

    outcome: Outcome
    exchanges: tuple[Exchange, ...] = ()
    spans: tuple[Span, ...] = ()
    incidents: tuple[Incident, ...] = ()
    logs: tuple[LogRecord, ...] = ()
    readings: dict[str, Any] = {}
    output: str = ""
    opened: int = 0
    ended: int = 0
    order: int = 0

    def raise_for_outcome(self) -> None:
        """Do nothing if the play came to its end.

        Raises:
            PlayFailed: it did not.
        """
        from .failures import PlayFailed

        if self.outcome.kind != "finished":
            raise PlayFailed(self.outcome)

    def calls(self, name: str | None = None) -> tuple[Span, ...]:
        """The spans of collaborators (of the one called `name`), in order of starting."""
        return tuple(
            span for span in self.spans if span.kind == "call" and name in (None, span.name)
        )


def encode(message: Any) -> bytes:
    """Any struct of this project as JSON."""
    return msgspec.json.encode(message)
