"""What a client and the keeper say to each other: JSON, each message with its length before it.

`VERSION` is part of every path that the two share, so that a keeper which was left
running by another version of the kit is never spoken to.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

VERSION = 3
LARGEST = 16 * 1024 * 1024
"""Bytes of the largest message that the keeper reads."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a database.

    Attributes:
        host: a name or an IP address; what begins with `/` is the directory of a Unix socket.
        password: empty where the server asks for none.
        sslmode: as libpq spells it; None leaves it to the driver.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = ""
    sslmode: str | None = None

    @property
    def socket_path(self) -> str | None:
        """The Unix socket to connect to, or None for a server that is reached over TCP."""
        return f"{self.host}/.s.PGSQL.{self.port}" if self.host.startswith("/") else None

    @property
    def dsn(self) -> str:
        """A URL that asyncpg, psycopg and SQLAlchemy understand. It holds the password.

        A directory of sockets stands in the query: SQLAlchemy takes one in the place of a
        host for a name.
        """
        login = quote(self.user, safe="")
        if self.password:
            login += ":" + quote(self.password, safe="")
        options = {"sslmode": self.sslmode} if self.sslmode else {}
        where = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        if self.socket_path is not None:
            where, options = "", {"host": self.host, "port": str(self.port), **options}
        query = f"?{urlencode(options, safe='/', quote_via=quote)}" if options else ""
        return f"postgresql://{login}@{where}/{quote(self.database, safe='')}{query}"


class Check(msgspec.Struct, frozen=True, tag="check"):
    """See whether the keeper will serve: one whose program was changed ends instead. On a
    connection with a lease: whether its server does."""


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Lease a database, and run `seed_sql` in it. The lease ends with the connection.

    Attributes:
        seed_sql: what to run, as the role that the play will be.
        for_hours: the lease isn't for a play but for people, whose statements may take their time.
    """

    seed_sql: str = ""
    for_hours: bool = False


class Query(msgspec.Struct, frozen=True, tag="query"):
    """Run `sql` in the leased database, as the play's role, on a connection of the keeper's."""

    sql: str


class FindBlockers(msgspec.Struct, frozen=True, tag="find-blockers"):
    """Tell which sessions of the leased database wait for which others."""


class EndSessions(msgspec.Struct, frozen=True, tag="end-sessions"):
    """End all sessions in the leased database but the keeper's own."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """End the keeper, its leases and its server."""


class Checked(msgspec.Struct, frozen=True, tag="checked"):
    """The answer to `Check` and `EndSessions`."""


class Leased(msgspec.Struct, frozen=True, tag="leased"):
    """The answer to `Ask`."""

    address: Address


class QueryRows(msgspec.Struct, frozen=True, tag="rows"):
    """The answer to `Query`."""

    rows: list[dict[str, Any]]


class Blockers(msgspec.Struct, frozen=True, tag="blockers"):
    """The answer to `FindBlockers`: the server's process ids of those that wait, and for whom."""

    of: dict[int, list[int]]


class Stopping(msgspec.Struct, frozen=True, tag="stopping"):
    """The answer to `Stop`: the process that is about to end."""

    pid: int


class RequestFailed(msgspec.Struct, frozen=True, tag="failed"):
    """The answer to anything that cannot be done; see `CourseError`."""

    problem: str
    remedy: str


Request = Check | Ask | Query | FindBlockers | EndSessions | Stop
Answer = Checked | Leased | QueryRows | Blockers | Stopping | RequestFailed
