"""Makes databases, one for each play, and takes them back. It keeps a few that are made ahead."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import deque
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...base.errors import ServiceError
from .connecting import (
    LOST,
    Connection,
    PostgresError,
    Server,
    ServerGone,
    Tenant,
    connect,
    connected,
    errors_translated,
)
from .messages import Address
from .recycling import TIMES, is_made_new

log = logging.getLogger(__name__)

SPARES, MOST = 3, 8
"""Spares that are made ahead, and how many are kept of those that come back."""
COMEBACK = 0.5
"""Seconds in which a lease is tried again: the server may have gone without a sign."""
LONGEST = "20s"
"""What a statement of the keeper's own may take: a seed, or a look at the data."""
NOT_THE_SEEDS_FAULT = ("53", "58")
"""Classes of SQLSTATE: no disk or memory is left, and trouble with the system."""
OLDEST = 13
"""The first PostgreSQL that can drop a database which is in use."""


class Spare(NamedTuple):
    """A new database, and how many plays it was used for. The keeper's connection is open: it
    runs the seed at once, and shows that it is alive."""

    name: str
    connection: Connection
    plays: int


@dataclass
class Holding:
    """A database that is leased.

    Attributes:
        start: of the server, after which the database was made.
        plays: that it has been used for, this one too.
        connection: the keeper's, for looking into it.
    """

    name: str
    start: int
    plays: int
    connection: Connection


class Databases:
    """The databases of one keeper.

    Args:
        server: where they are.
        owner: in the name of each, so that a later keeper knows which of a dead one's
            databases are its own to drop. No two living keepers have the same.
    """

    def __init__(self, server: Server, owner: str) -> None:
        self._server = server
        self._prefix = f"course_play_{owner}_"
        self._start, self._closed = 0, False
        self._spares: deque[Spare] = deque()
        self._starting, self._filling = asyncio.Lock(), asyncio.Lock()
        # A user's server may not have many connections. A drop may take long to end others'.
        self._making, self._dropping = asyncio.Semaphore(2), asyncio.Semaphore(2)
        self._tasks: set[asyncio.Task[None]] = set()
        self._recycling: set[asyncio.Task[None]] = set()

    def address(self, holding: Holding) -> Address:
        """How a play reaches its database."""
        return self._server.address(holding.name)

    async def lease(self, seed_sql: str) -> Holding:
        """A database of the caller's own, with nothing in it but the seed.

        Raises:
            ServiceError: none can be made, or the seed fails.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + COMEBACK
        while True:
            try:
                return await self._lease(seed_sql)
            except ServerGone:
                if now() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def rows(self, holding: Holding, sql: str) -> list[dict[str, Any]]:
        """What `sql` returns in a leased database.

        Raises:
            ServiceError: the server has gone since, or refuses the statement.
        """
        self._check(holding)
        if holding.connection.is_closed():
            holding.connection = await self._connect(holding.name)
        with errors_translated(self._server, self._server.admin().user):
            return [dict(row) for row in await holding.connection.fetch(sql)]

    def end(self, holding: Holding) -> None:
        """Take a database back in the background, even if it is still in use."""
        tenant = self._server.tenant
        is_enough = len(self._spares) + len(self._recycling) >= MOST
        if tenant is None or holding.plays >= TIMES or is_enough or self._closed:
            holding.connection.terminate()
            self._discard(holding.name)
            return
        task = self._in_background(self._recycle(holding, tenant))
        self._recycling.add(task)
        task.add_done_callback(self._recycling.discard)

    def fill(self) -> None:
        """Make spares in the background."""
        self._in_background(self._fill())

    async def close(self) -> None:
        """Drop all that there is."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._forget_spares()
        if self._start:
            async with self._admin() as connection:
                await self._drop_all(connection, "WITH (FORCE)")
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _forget_spares(self) -> None:
        while self._spares:
            self._spares.popleft().connection.terminate()

    def _discard(self, name: str) -> None:
        self._in_background(self._drop(name, "WITH (FORCE)"))

    async def _lease(self, seed_sql: str) -> Holding:
        name, connection, plays = await self._take()
        holding = Holding(name, self._start, plays + 1, connection)
        try:
            with errors_translated(self._server, self._server.address(name).user):
                await _seed(connection, seed_sql, self._server.tenant)
            await self._ready()  # an open connection may outlive its server by a moment
            self._check(holding)
        except ServiceError:
            connection.terminate()
            self._discard(name)
            raise
        self.fill()
        return holding

    def _check(self, holding: Holding) -> None:
        if holding.start != self._start:
            raise ServerGone(
                f"{self._server.name} went away in the middle of a play, and its data with it.",
                "Run it again.",
            )

    async def _take(self) -> Spare:
        await self._ready()
        while not self._spares and self._recycling:  # one of them will be there sooner
            await asyncio.wait(set(self._recycling), return_when=asyncio.FIRST_COMPLETED)
        return self._spares.popleft() if self._spares else await self._make()

    async def _fill(self) -> None:
        async with self._filling:
            await self._ready()
            while len(self._spares) + len(self._recycling) < SPARES and not self._closed:
                self._spares.append(await self._make())

    async def _ready(self) -> None:
        """See to it that the server is up, and after each of its starts put it in order."""
        async with self._starting:
            start = await self._server.up()
            if start == self._start:
                return
            self._forget_spares()
            async with self._admin() as connection:
                await self._put_in_order(connection)
            self._start = start

    async def _put_in_order(self, connection: Connection) -> None:
        version = connection.get_server_version()
        if version.major < OLDEST:
            raise ServiceError(
                f"{self._server.name} is PostgreSQL {version.major}; the grader needs {OLDEST}.",
                self._server.remedy,
            )
        await connection.execute(self._server.setup_sql or "SELECT 1")
        # Not by force: what is in use cannot be a dead keeper's.
        await self._drop_all(connection, "")

    async def _drop_all(self, connection: Connection, how: str) -> None:
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, $1)"
        for row in await connection.fetch(ours, self._prefix):
            self._in_background(self._drop(row["datname"], how))

    async def _make(self) -> Spare:
        name = f"{self._prefix}{os.getpid()}_{secrets.token_hex(4)}"
        options = self._server.new_database
        async with self._making, self._admin() as connection:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 {options}')
        try:
            return Spare(name, await self._connect(name), plays=0)
        except ServiceError:
            self._discard(name)
            raise

    async def _connect(self, name: str) -> Connection:
        return await connect(self._server, self._server.admin(name), statement_timeout=LONGEST)

    async def _recycle(self, holding: Holding, tenant: Tenant) -> None:
        name, connection = holding.name, holding.connection
        is_new = False
        try:
            with errors_translated(self._server, self._server.admin().user):
                is_new = await is_made_new(connection, tenant)
        finally:
            if is_new and holding.start == self._start and not self._closed:
                self._spares.append(Spare(name, connection, holding.plays))
            else:
                connection.terminate()
                self._discard(name)

    async def _drop(self, name: str, how: str) -> None:
        async with self._dropping, self._admin() as connection:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" {how}')

    def _admin(self) -> AbstractAsyncContextManager[Connection]:
        return connected(self._server, self._server.admin())

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """Do what no client waits for. If it matters, it fails again for one that does."""
    try:
        await work
    except ServiceError as error:
        log.warning("%s", error.problem)


async def _seed(connection: Connection, sql: str, tenant: Tenant | None) -> None:
    """Run a seed as the role of plays; what it does to the connection itself is undone."""
    try:
        if tenant is not None:
            await connection.execute(f"SET SESSION AUTHORIZATION {tenant.role}")
        await connection.execute(sql or "SELECT 1")
        await connection.reset()
        await connection.execute("RESET SESSION AUTHORIZATION")
    except LOST:
        raise
    except PostgresError as error:
        if error.sqlstate[:2] in NOT_THE_SEEDS_FAULT:
            raise
        place = f" at character {error.position}" if error.position else ""
        raise ServiceError(
            f"PostgreSQL refuses the SQL that a play's database is seeded with: {error}{place} "
            f"(SQLSTATE {error.sqlstate})",
            "Correct the `seed_sql` of the scenario.",
        ) from error
