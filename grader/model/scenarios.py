"""The scenario: what a play is to do, as plain data.

A scenario says which requests come at which virtual moments, and how the collaborators
(what an app factory is handed from outside) behave. It crosses a process border as
JSON, so it holds no code: `grader.driver.collaborators` builds the callables.

    scenario(get("/dashboard"), fetch_user=takes(1), fetch_orders=fails(after=2))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from .errors import UsageError

HORIZON = 600.0
"""Virtual seconds after which a play that is still going has run away."""

LINGER = 60.0
"""Virtual seconds that a play goes on after the last response, for work left behind."""


THREADS = 40
"""Worker threads of a server: the capacity of anyio's default limiter."""


class Described(msgspec.Struct, frozen=True):
    """What a scenario is made of. Each `float` of it is a time in seconds.

    Raises:
        UsageError: a time is none that the clock could go to.
    """

    def __post_init__(self) -> None:
        for field, may_be_none in _times_of(type(self)):
            seconds = getattr(self, field)
            is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
            if not ((is_number and seconds >= 0) or (may_be_none and seconds is None)):
                raise UsageError(
                    f"{field}={seconds!r} is no time that can pass",
                    "give seconds: a number, 0 or more",
                )


@cache
def _times_of(struct: type[Described]) -> tuple[tuple[str, bool], ...]:
    """The fields that are times, and whether each may be None."""
    times = {"float": False, "float | None": True}
    fields = struct.__annotations__.items()
    return tuple((field, times[kind]) for field, kind in fields if kind in times)


class Request(Described, frozen=True, kw_only=True):
    """A request to send.

    Args:
        at: virtual seconds after the app has started up.
        hangs_up_at: seconds after the request at which the client leaves.
        hangs_up_after: the client leaves when it has this many lines of the body.
        cancelled_at: seconds after the request at which the server cancels the call.
    """

    method: str
    path: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    at: float = 0.0
    hangs_up_at: float | None = None
    hangs_up_after: int | None = None
    cancelled_at: float | None = None


class Error(msgspec.Struct, frozen=True):
    """What a collaborator raises: a built-in exception, or an HTTPException by status."""

    type: str = "ConnectionError"
    text: str = ""
    status: int | None = None


class Takes(Described, frozen=True, tag="takes"):
    """A coroutine function that takes `seconds`, then returns or raises.

    Args:
        parameters: the names of its parameters; None is whatever it is called with.
    """

    seconds: float
    returns: Any = None
    raises: Error | None = None
    parameters: tuple[str, ...] | None = None


class Blocks(Described, frozen=True, tag="blocks"):
    """A plain function that blocks its thread for `seconds`, then returns.

    Args:
        parameters: as those of `Takes`.
    """

    seconds: float
    returns: Any = None
    parameters: tuple[str, ...] | None = None


class Rows(Described, frozen=True, tag="rows"):
    """An async generator function: a row, after every `every` seconds."""

    rows: tuple[Any, ...]
    every: float = 1.0


CLOSED = "the connection is closed"
CLOSED_MEANWHILE = "the connection was closed before the rows were read"
"""What a connection says that is used after it was closed, or closed while it is used."""


class Connects(Described, frozen=True, tag="connects"):
    """A coroutine function that opens a connection with `query(sql)` and `close()`."""

    seconds: float
    query: Takes
    close: float = 0.0


class InTurn(msgspec.Struct, frozen=True, tag="in-turn"):
    """Behaves as the first of `steps` at the first call, and so on; the last one stays.

    It has the parameters of the first.
    """

    steps: tuple[Takes, ...]


class Named(msgspec.Struct, frozen=True, tag="named"):
    """A dict of collaborators."""

    members: dict[str, Takes | InTurn]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What a service does wrong.

    Args:
        does: `refuse` a connection, answer a connection with `too-many`, `drop` the
            connection in the middle of a statement, `stall` (never answer it), or `fail`
            a statement with `sqlstate` (PostgreSQL) or `code` (MongoDB, which has no answer
            of its own for too many connections: it closes them).
        at: which connection, or which statement of those that match, 1 being the first.
        times: how many in a row, from `at` on; None is all.
        matching: only statements whose text holds this, in any case of letters.
        when: counted `always`, or only while the app is `serving`: it has started up.
    """

    does: Literal["refuse", "too-many", "drop", "stall", "fail"]
    at: int = 1
    times: int | None = 1
    matching: str = ""
    sqlstate: str = "XX000"
    code: int = 8
    when: Literal["always", "serving"] = "always"


class Postgres(Described, frozen=True, tag="postgres", kw_only=True):
    """A real PostgreSQL database; the factory is handed its DSN.

    Args:
        statement: virtual seconds that each statement of the learner's takes. What a driver
            or a pool sends of its own accord (BEGIN, a reset) takes none.
        round_trip: virtual seconds between sending anything and its answer.
        seed_sql: what is run in the clean database before the play.
        reads: queries that the grader itself runs when the app is down; the rows are the
            trace's `readings`.
        faults: what goes wrong.
    """

    statement: float = 0.0
    round_trip: float = 0.0
    seed_sql: str = ""
    reads: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class Mongo(Described, frozen=True, tag="mongo", kw_only=True):
    """A real MongoDB database; the factory is handed its URL.

    It is a stand-alone server: it has no transactions and no change streams.

    Args:
        command: virtual seconds that each command of the learner's takes; a `getMore`, which
            fetches a cursor's next batch, is one. What the driver sends of its own accord
            (`hello`, `endSessions`, `killCursors` ...) takes none.
        round_trip: virtual seconds between sending anything and its answer.
        seed: the documents that the database begins with, by collection.
        reads: collections that the grader itself reads when the app is down; their documents
            are the trace's `readings`.
        faults: what goes wrong; a statement is text such as `find users`.
    """

    command: float = 0.0
    round_trip: float = 0.0
    seed: dict[str, tuple[dict[str, Any], ...]] = {}
    reads: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class Reply(Described, frozen=True, kw_only=True):
    """What an upstream answers a request with; a redirect is a status and a `location`.

    Args:
        seconds: virtual seconds from the end of the request to the status line.
        headers: those that do not follow from the body.
        chunks: the pieces of a body that is streamed, one after every `every` seconds.
        headers_take: virtual seconds from the status line to the end of the headers.
        drops: the connection is lost `instead` of the answer, or `midway` through its body.
    """

    seconds: float = 0.0
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: tuple[bytes, ...] = ()
    every: float = 0.0
    headers_take: float = 0.0
    drops: Literal["instead", "midway"] | None = None


class Upstream(Described, frozen=True, tag="upstream", kw_only=True):
    """A real HTTP/1.1 server; the factory is handed its base URL.

    Args:
        routes: what is answered to `GET /path`, or to `/path` whatever the method. Of several
            replies each is given once, in turn; the last one stays. All else is a 404.
        refuses: how many connections are refused before the first is taken; None is all.
        connect: virtual seconds that opening a connection takes.
    """

    routes: dict[str, tuple[Reply, ...]]
    refuses: int | None = 0
    connect: float = 0.0


Collaborator = Takes | Blocks | Rows | Connects | InTurn | Named | Postgres | Mongo | Upstream


class Scenario(Described, frozen=True, kw_only=True):
    """Everything that one play is to do.

    Args:
        order_seed: None keeps requests and timers of one tick in their order of making;
            a number shuffles those two, which are the orders that asyncio leaves open.
        linger: how long, in virtual seconds, work that outlives the responses may go on
            before the app is shut down.
        horizon: see `HORIZON`.
        threads: how many worker threads the server has for `def` endpoints and the like.
    """

    requests: tuple[Request, ...]
    collaborators: dict[str, Collaborator] = {}
    order_seed: int | None = None
    linger: float = LINGER
    horizon: float = HORIZON
    threads: int = THREADS


def request(
    method: str,
    path: str,
    *,
    json: Any = msgspec.UNSET,
    body: bytes = b"",
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    at: float = 0.0,
    hangs_up_at: float | None = None,
    hangs_up_after: int | None = None,
    cancelled_at: float | None = None,
) -> Request:
    """A request; `json` is encoded and gets its content type, `query` is url-encoded.

    Raises:
        UsageError: the path does not begin with a slash.
    """
    if not path.startswith("/"):
        raise UsageError(f"the path {path!r} does not begin with a slash", f"write '/{path}'")
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    if json is not msgspec.UNSET:
        body = msgspec.json.encode(json)
        fields.setdefault("content-type", "application/json")
    path, _, inline = path.partition("?")
    return Request(
        method=method.upper(),
        path=path,
        query="&".join(part for part in (inline, urlencode(query or {}, doseq=True)) if part),
        headers=tuple(fields.items()),
        body=body,
        at=at,
        hangs_up_at=hangs_up_at,
        hangs_up_after=hangs_up_after,
        cancelled_at=cancelled_at,
    )


def get(path: str, **options: Any) -> Request:
    """A GET request; the options are those of `request`."""
    return request("GET", path, **options)


def post(path: str, **options: Any) -> Request:
    """A POST request; the options are those of `request`."""
    return request("POST", path, **options)


def put(path: str, **options: Any) -> Request:
    """A PUT request; the options are those of `request`."""
    return request("PUT", path, **options)


def delete(path: str, **options: Any) -> Request:
    """A DELETE request; the options are those of `request`."""
    return request("DELETE", path, **options)


def times(count: int, one: Request) -> tuple[Request, ...]:
    """The same request `count` times, all at its moment."""
    return (one,) * count


def takes(seconds: float, returns: Any = None, *, parameters: Iterable[str] | None = None) -> Takes:
    """A coroutine function that takes `seconds` and returns `returns`; see `Takes`."""
    return Takes(seconds, returns, parameters=_names(parameters))


def fails(
    after: float,
    type: str = "ConnectionError",
    text: str = "",
    status: int | None = None,
    *,
    parameters: Iterable[str] | None = None,
) -> Takes:
    """A coroutine function that raises after `after` seconds.

    Args:
        type: the name of a built-in exception, or `HTTPException`.
        status: the status of the `HTTPException`.
        parameters: see `Takes`.
    """
    error = Error("HTTPException" if status else type, text, status)
    return Takes(after, raises=error, parameters=_names(parameters))


def blocks(
    seconds: float, returns: Any = None, *, parameters: Iterable[str] | None = None
) -> Blocks:
    """A plain function that blocks its thread for `seconds`; see `Blocks`."""
    return Blocks(seconds, returns, _names(parameters))


def _names(parameters: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if parameters is None else tuple(parameters)


def rows(values: Iterable[Any], every: float = 1.0) -> Rows:
    """An async generator function that yields `values`, one every `every` seconds."""
    return Rows(tuple(values), every)


def connects(seconds: float = 0.0, *, query: Takes, close: float = 0.0) -> Connects:
    """A coroutine function that opens a connection; all three times are in seconds."""
    return Connects(seconds, query, close)


def in_turn(*steps: Takes) -> InTurn:
    """A coroutine function whose calls behave as `steps`, one after the other."""
    return InTurn(steps)


def postgres(
    statement: float = 0.0,
    round_trip: float = 0.0,
    *,
    seed_sql: str = "",
    reads: Iterable[str] = (),
    faults: Iterable[Fault] = (),
) -> Postgres:
    """A real PostgreSQL database, for a factory that takes a DSN; see `Postgres`."""
    return Postgres(
        statement=statement,
        round_trip=round_trip,
        seed_sql=seed_sql,
        reads=tuple(reads),
        faults=tuple(faults),
    )


def mongo(
    command: float = 0.0,
    round_trip: float = 0.0,
    *,
    seed: Mapping[str, Iterable[dict[str, Any]]] | None = None,
    reads: Iterable[str] = (),
    faults: Iterable[Fault] = (),
) -> Mongo:
    """A real MongoDB database, for a factory that takes a URL; see `Mongo`."""
    return Mongo(
        command=command,
        round_trip=round_trip,
        seed={name: tuple(documents) for name, documents in (seed or {}).items()},
        reads=tuple(reads),
        faults=tuple(faults),
    )


def reply(
    seconds: float = 0.0,
    json: Any = msgspec.UNSET,
    *,
    status: int = 200,
    text: str = "",
    headers: Mapping[str, str] | None = None,
    chunks: Iterable[str] = (),
    every: float = 1.0,
    headers_take: float = 0.0,
    drops: Literal["instead", "midway"] | None = None,
) -> Reply:
    """What an upstream answers after `seconds`; see `Reply`. `json` gets its content type."""
    fields = {name.lower(): value for name, value in (headers or {}).items()}
    body = text.encode()
    if json is not msgspec.UNSET:
        body = msgspec.json.encode(json)
        fields.setdefault("content-type", "application/json")
    return Reply(
        seconds=seconds,
        status=status,
        headers=tuple(fields.items()),
        body=body,
        chunks=tuple(chunk.encode() for chunk in chunks),
        every=every,
        headers_take=headers_take,
        drops=drops,
    )


def upstream(
    routes: Mapping[str, Reply | Iterable[Reply]],
    *,
    refuses: int | None = 0,
    connect: float = 0.0,
) -> Upstream:
    """A real HTTP server, for a factory that takes a base URL; see `Upstream`.

    upstream({"GET /users": reply(1, ["Ada"]), "/flaky": [reply(status=503), reply()]})
    """
    return Upstream(
        routes={
            route: (replies,) if isinstance(replies, Reply) else tuple(replies)
            for route, replies in routes.items()
        },
        refuses=refuses,
        connect=connect,
    )


def scenario(
    *requests: Request | Iterable[Request],
    order_seed: int | None = None,
    linger: float = LINGER,
    horizon: float = HORIZON,
    threads: int = THREADS,
    **collaborators: Collaborator | Mapping[str, Takes | InTurn],
) -> Scenario:
    """A scenario; collaborators go by the names of the factory's parameters."""
    flat: list[Request] = []
    for item in requests:
        flat.extend([item] if isinstance(item, Request) else item)
    return Scenario(
        requests=tuple(flat),
        collaborators={
            name: Named(dict(value)) if isinstance(value, Mapping) else value
            for name, value in collaborators.items()
        },
        order_seed=order_seed,
        linger=linger,
        horizon=horizon,
        threads=threads,
    )
