"""The keeper as the server's administrator: databases, their roles and their sessions.

It is connected to a database in which no play can make anything, and so runs nothing of a play's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple

from ....processes.proc import private_memory
from ...base.errors import ServiceError
from .connecting import (
    Connection,
    PostgresError,
    Server,
    ServerGone,
    connect,
    connected,
    errors_translated,
)
from .roles import creating, new_password, replacing

OLDEST = 13
"""The first PostgreSQL that can drop a database which is in use."""
FAREWELL, POLL = 5.0, 0.005
"""Seconds that sessions have to end, and between looks whether they have."""

_OURS = """
    SELECT datname AS name FROM pg_database WHERE starts_with(datname, $1)
    UNION SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)
"""
_BLOCKERS = """
    SELECT pid, pg_blocking_pids(pid) AS blockers FROM pg_stat_activity
    WHERE datname = $1 AND cardinality(pg_blocking_pids(pid)) > 0
"""
_END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> $2
"""
_BUSY = """
    SELECT datname AS database, pid AS session, query_start::text AS since FROM pg_stat_activity
    WHERE datname = ANY($1) AND state = 'active'
      AND coalesce(wait_event_type, '') NOT IN ('Lock', 'Client')
"""
# One that is dropped meanwhile has no size.
_SIZES = """
    SELECT datname AS name, coalesce(pg_database_size(oid), 0) AS count
    FROM pg_database WHERE datname = ANY($1)
"""
_LOCKS = """
    SELECT datname AS name, count(*) AS count
    FROM pg_locks JOIN pg_database base ON base.oid = database
    WHERE datname = ANY($1) GROUP BY 1
"""
_SESSIONS = "SELECT datname AS name, pid FROM pg_stat_activity WHERE datname = ANY($1)"
_WITHOUT_DATABASE = """
    SELECT rolname FROM pg_roles
    WHERE oid > 16383 AND NOT EXISTS (SELECT FROM pg_database WHERE datname = rolname)
"""
_TEMPLATES = "SELECT FROM pg_database WHERE datname = $1 AND datistemplate"


class RunningStatement(NamedTuple):
    """A statement that is carried out.

    Attributes:
        session: the server's process that does it.
        since: when it began, by the server's clock.
    """

    database: str
    session: int
    since: str


class Admin:
    """What only an administrator may do at a server.

    What is quick is done on one connection, in turn; a database is made or dropped on another one.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        # A user's server may not have many connections. A drop may take long to end others'.
        self._making, self._dropping = asyncio.Semaphore(2), asyncio.Semaphore(2)

    async def begin(self) -> None:
        """Put a server in order that has just started.

        Raises:
            ServiceError: it is too old.
        """
        self.leave()
        async with self._quick() as connection:
            version = connection.get_server_version()
            if version.major < OLDEST:
                raise ServiceError(
                    f"{self._server.name} is PostgreSQL {version.major}; "
                    f"the grader needs {OLDEST}.",
                    self._server.remedy,
                )

    async def names(self, prefix: str) -> list[str]:
        """The databases and roles whose names begin so."""
        return [row["name"] for row in await self._fetch(_OURS, prefix)]

    async def make(self, name: str) -> str:
        """Make a database and its role. Returns the role's password, if it has a role."""
        options = self._server.new_database
        async with self._making, self._connected() as connection:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {options}')
            return await self._make_role(connection, name) if self._server.makes_roles else ""

    async def _make_role(self, connection: Connection, name: str) -> str:
        password = new_password()
        await connection.execute(creating(name, password))
        return password

    async def replace_role(self, name: str) -> str:
        """Give a database another role, and its password. Nobody can connect as the old one."""
        password = new_password()
        await self._execute(replacing(name, password))
        return password

    async def drop(self, name: str, how: str) -> None:
        """Drop a database, if it is there, and its role.

        Args:
            how: options of DROP DATABASE.
        """
        async with self._dropping, self._connected() as connection:
            if await connection.fetch(_TEMPLATES, name):
                await connection.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" {how}')
            if self._server.makes_roles:
                await _drop_roles(connection)

    async def allow_long_statements(self, name: str) -> None:
        """Let the statements of a role take as long as they take."""
        if self._server.makes_roles:
            await self._execute(f'ALTER ROLE "{name}" RESET statement_timeout')

    async def blockers(self, name: str) -> dict[int, list[int]]:
        """Which sessions in a database wait for which others."""
        rows = await self._fetch(_BLOCKERS, name)
        return {row["pid"]: list(row["blockers"]) for row in rows}

    async def end_sessions(self, name: str, but: Connection) -> None:
        """End all sessions in a database but one, whatever they are busy with.

        Raises:
            ServiceError: one of them does not end.
        """
        deadline = asyncio.get_running_loop().time() + FAREWELL
        kept = 0 if but.is_closed() else but.get_server_pid()
        while await self._fetch(_END, name, kept):
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceError(f"A session in {name} does not end.", self._server.remedy)
            await asyncio.sleep(POLL)

    async def sizes(self, names: list[str]) -> dict[str, int]:
        """How many bytes databases have."""
        return {row["name"]: row["count"] for row in await self._fetch(_SIZES, names)}

    async def locks(self, names: list[str]) -> dict[str, int]:
        """How many locks the sessions in databases hold, for those that hold any."""
        return {row["name"]: row["count"] for row in await self._fetch(_LOCKS, names)}

    async def memory(self, names: list[str]) -> dict[str, int]:
        """How many bytes the server's processes take for databases, if they are of this machine."""
        if not self._server.makes_roles:
            return {}  # the user's own server, which may be anywhere
        taken: Counter[str] = Counter()
        for row in await self._fetch(_SESSIONS, names):
            taken[row["name"]] += private_memory(row["pid"])
        return dict(taken)

    async def busy(self, names: list[str]) -> list[RunningStatement]:
        """The statements in databases that are at work."""
        return [RunningStatement(**row) for row in await self._fetch(_BUSY, names)]

    async def cancel(self, session: int) -> None:
        """Cancel what a session does, if it lets itself be cancelled."""
        await self._fetch("SELECT pg_cancel_backend($1)", session)

    async def end(self, session: int) -> None:
        """End a session."""
        await self._fetch("SELECT pg_terminate_backend($1)", session)

    async def close_to_role(self, name: str) -> None:
        """End all sessions in a database, and let its role begin no more."""
        if self._server.makes_roles:
            await self._execute(f'ALTER ROLE "{name}" NOLOGIN')
        await self._fetch(_END, name, 0)

    async def check(self) -> None:
        """Check that the server works.

        Raises:
            ServerGone: it does not.
        """
        await self._execute("SELECT 1")

    async def _fetch(self, sql: str, *values: object) -> list[Any]:
        async with self._quick() as connection:
            return await connection.fetch(sql, *values)

    async def _execute(self, sql: str) -> None:
        async with self._quick() as connection:
            await connection.execute(sql)

    @asynccontextmanager
    async def _quick(self) -> AsyncIterator[Connection]:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._server, self._server.admin())
            try:
                with errors_translated(self._server, self._server.admin().user):
                    yield self._connection
            except ServerGone:
                self.leave()
                raise

    def leave(self) -> None:
        """Close the connection; the next question opens another one."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _connected(self) -> AbstractAsyncContextManager[Connection]:
        return connected(self._server, self._server.admin())


async def _drop_roles(connection: Connection) -> None:
    """Drop the roles whose databases are gone. What others have granted them may stand in the way
    until these are gone, too."""
    for row in await connection.fetch(_WITHOUT_DATABASE):
        with suppress(PostgresError):
            await connection.execute(f'DROP ROLE "{row["rolname"]}"')
