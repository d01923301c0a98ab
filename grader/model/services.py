"""The databases and servers that a scenario puts beside the app, and what goes wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from .described import Count, Described, listed, mapped
from .errors import UsageError
from .headers import GivenHeaders, WithHeaders, pairs_of, with_default

SqlState = Annotated[
    str, msgspec.Meta(pattern="^[0-9A-Z]{5}$", description="five digits or capital letters")
]


class Fault(Described, frozen=True, kw_only=True):
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
    at: Count = 1
    times: Count | None = 1
    matching: str = ""
    sqlstate: SqlState = "XX000"
    code: int = 8
    when: Literal["always", "serving"] = "always"


class Outage(Described, frozen=True, kw_only=True):
    """A time in which a server is away: who is connected is cut off, and all else is refused.

    Args:
        at: virtual seconds after the app begins to start.
        seconds: how long the server is away.
    """

    at: float
    seconds: float


class Postgres(Described, frozen=True, tag="postgres", kw_only=True):
    """A real PostgreSQL database; the factory is handed its DSN.

    Args:
        statement: virtual seconds that each statement of the learner's takes. What a driver
            or a pool sends by itself (BEGIN, a reset) takes none.
        round_trip: virtual seconds between sending anything and its answer.
        seed_sql: what is run in the clean database before the play.
        reads: queries that the grader itself runs when the app is down; the rows are the
            trace's `readings`.
        meanwhile: what somebody else does in the database: SQL, and how many virtual seconds
            after the app begins to start it is carried out and committed.
        faults: what goes wrong.
        outages: when the server is away.
        pooler: how many sessions at the server a pooler in transaction mode lets the app's
            connections share; 0 is no pooler. It is as PgBouncer with `pool_mode=transaction`,
            `server_round_robin=1` and `max_prepared_statements=0`: each transaction may have
            another session, so nothing that a session keeps holds beyond one, neither SET nor
            prepared statements, LISTEN, temporary tables or advisory locks.
    """

    statement: float = 0.0
    round_trip: float = 0.0
    seed_sql: str = ""
    reads: tuple[str, ...] = ()
    meanwhile: tuple[tuple[float, str], ...] = ()
    faults: tuple[Fault, ...] = ()
    outages: tuple[Outage, ...] = ()
    pooler: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pooler < 0:
            raise UsageError(
                f"pooler={self.pooler!r} isn't a number of sessions",
                "give how many it may have at the server, such as 5; 0 is no pooler",
            )


class Mongo(Described, frozen=True, tag="mongo", kw_only=True):
    """A MongoDB database, embedded or on your own server; the factory is handed its URL.

    It is a stand-alone server: it has no transactions and no change streams.

    Args:
        command: virtual seconds that each command of the learner's takes; a `getMore`, which
            fetches a cursor's next batch, is one. What the driver sends by itself
            (`hello`, `endSessions`, `killCursors` ...) takes none.
        round_trip: virtual seconds between sending anything and its answer.
        seed: the documents that the database begins with, by collection. An `_id` that is
            `{"$oid": "..."}` is that ObjectId; without one the document gets a new one.
        reads: collections that the grader itself reads when the app is down; their documents
            are the trace's `readings`.
        faults: what goes wrong; a statement is text such as `find users`.
        outages: when the server is away.
    """

    command: float = 0.0
    round_trip: float = 0.0
    seed: dict[str, tuple[dict[str, Any], ...]] = msgspec.field(default_factory=dict)
    reads: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    outages: tuple[Outage, ...] = ()


class Reply(WithHeaders, frozen=True, kw_only=True):
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
        keep_alive: seconds after which it closes a connection that nothing is asked on; None
            is never.
    """

    routes: dict[str, tuple[Reply, ...]]
    refuses: int | None = 0
    connect: float = 0.0
    keep_alive: float | None = None


class OtherService(Described, frozen=True, tag="service"):
    """A service of a kind that has no description of its own here.

    Args:
        kind: the name that it has in `grader.services.registry`.
        settings: plain data, which that kind reads.
    """

    kind: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


def postgres(
    statement: float = 0.0,
    round_trip: float = 0.0,
    *,
    seed_sql: str = "",
    reads: Iterable[str] = (),
    meanwhile: Mapping[float, str] | None = None,
    faults: Iterable[Fault] = (),
    outages: Iterable[Outage] = (),
    pooler: int = 0,
) -> Postgres:
    """A real PostgreSQL database, for a factory that takes a DSN; see `Postgres`."""
    return Postgres(
        statement=statement,
        round_trip=round_trip,
        seed_sql=seed_sql,
        reads=listed("reads", reads),
        meanwhile=tuple(mapped("meanwhile", meanwhile or {}).items()),
        faults=listed("faults", faults),
        outages=listed("outages", outages),
        pooler=pooler,
    )


def mongo(
    command: float = 0.0,
    round_trip: float = 0.0,
    *,
    seed: Mapping[str, Iterable[dict[str, Any]]] | None = None,
    reads: Iterable[str] = (),
    faults: Iterable[Fault] = (),
    outages: Iterable[Outage] = (),
) -> Mongo:
    """A MongoDB database, for a factory that takes a URL; see `Mongo`."""
    return Mongo(
        command=command,
        round_trip=round_trip,
        seed={
            name: listed(f"seed[{name!r}]", documents)
            for name, documents in mapped("seed", seed or {}).items()
        },
        reads=listed("reads", reads),
        faults=listed("faults", faults),
        outages=listed("outages", outages),
    )


def reply(
    seconds: float = 0.0,
    json: Any = msgspec.UNSET,
    *,
    status: int = 200,
    text: str = "",
    headers: GivenHeaders | None = None,
    chunks: Iterable[str] = (),
    every: float = 1.0,
    headers_take: float = 0.0,
    drops: Literal["instead", "midway"] | None = None,
) -> Reply:
    """What an upstream answers after `seconds`; see `Reply`. `json` gets its content type."""
    fields = pairs_of(headers)
    body = text.encode()
    if json is not msgspec.UNSET:
        body = msgspec.json.encode(json)
        fields = with_default(fields, "content-type", "application/json")
    return Reply(
        seconds=seconds,
        status=status,
        headers=fields,
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
    keep_alive: float | None = None,
) -> Upstream:
    """A real HTTP server, for a factory that takes a base URL; see `Upstream`.

    upstream({"GET /users": reply(1, ["Ada"]), "/flaky": [reply(status=503), reply()]})
    """
    return Upstream(
        routes={
            route: (replies,) if isinstance(replies, Reply) else listed(route, replies)
            for route, replies in mapped("routes", routes).items()
        },
        refuses=refuses,
        connect=connect,
        keep_alive=keep_alive,
    )
