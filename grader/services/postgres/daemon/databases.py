"""Makes databases, one for each play, and takes them back. It keeps a few that are made ahead."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...base.errors import ServiceError
from .admin import Admin
from .connecting import Connection, Server, ServerGone, connect, errors_translated
from .messages import Address
from .overuse import EVERY, Overuse
from .recycling import TIMES, clear, is_as_new
from .statements import TooSlow, read, seed

log = logging.getLogger(__name__)

SPARES, MOST = 3, 8
"""Spares that are made ahead, and how many are kept of those that come back."""
COMEBACK = 0.5
"""Seconds in which a lease is tried again: the server may have gone without a sign."""
LONGEST = "20s"
"""What a statement of the keeper's own may take in a play's database."""
CLEANING = 10.0
"""Seconds after which a used database is dropped rather than made new."""


class Spare(NamedTuple):
    """A new database, the password of its role, and how many plays it was used for.

    The keeper's connection is open, as that role: it runs the seed at once, and shows that the
    database is alive.
    """

    name: str
    password: str
    connection: Connection
    plays: int


@dataclass
class Holding:
    """A database that is leased.

    Attributes:
        password: of its role.
        start: of the server, after which the database was made.
        plays: that it has been used for, this one too.
        connection: the keeper's, as the role of the play, for the seed and for readings.
        for_hours: whether it is for people rather than for a play.
        since: when it was leased, by the loop's clock.
        refusal: why nothing more is read, if something was too slow or too much.
    """

    name: str
    password: str
    start: int
    plays: int
    connection: Connection
    for_hours: bool
    since: float
    refusal: str = ""


class Databases:
    """The databases of one keeper.

    Args:
        server: where they are.
        owner: in the name of each, so that a later keeper knows which of a dead one's
            databases are its own to drop. No two living keepers have the same.
    """

    def __init__(self, server: Server, owner: str) -> None:
        self._server, self._admin = server, Admin(server)
        self._prefix = f"course_play_{owner}_"
        self._start, self._closed = 0, False
        self._spares: deque[Spare] = deque()
        self._starting, self._filling = asyncio.Lock(), asyncio.Lock()
        self._held: list[Holding] = []
        self._overuse = Overuse(self._admin)
        self._watch: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._recycling: set[asyncio.Task[None]] = set()

    def address(self, holding: Holding) -> Address:
        """How a play reaches its database."""
        return self._server.address(holding.name, holding.password)

    async def lease(self, seed_sql: str, for_hours: bool) -> Holding:
        """A database of the caller's own, with nothing in it but the seed.

        Args:
            for_hours: whether its statements may take as long as they take.

        Raises:
            ServiceError: none can be made, or the seed fails.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + COMEBACK
        while True:
            try:
                return await self._lease(seed_sql, for_hours)
            except ServerGone:
                if now() > deadline:
                    raise
            await asyncio.sleep(0.02)

    async def rows(self, holding: Holding, sql: str) -> list[dict[str, Any]]:
        """What `sql` returns in a leased database, to the role of the play.

        Raises:
            ServiceError: the server has gone since, or refuses the statement, or it takes too
                much time or returns too much.
        """
        self._check(holding)
        if holding.refusal:
            raise ServiceError(holding.refusal)
        try:
            return await self._read(holding, sql)
        except ServerGone:  # or the play has ended the keeper's session
            await self._admin.check()
        try:
            return await self._read(holding, sql)
        except ServerGone as error:
            raise ServiceError("The play ends each session that looks into it.") from error

    async def _read(self, holding: Holding, sql: str) -> list[dict[str, Any]]:
        try:
            if holding.connection.is_closed():
                holding.connection = await self._connect(holding.name, holding.password)
            with errors_translated(self._server, holding.name):
                return await read(holding.connection, sql)
        except ServerGone:
            holding.connection.terminate()
            raise
        except TooSlow as error:
            holding.refusal = error.problem
            raise

    async def blockers(self, holding: Holding) -> dict[int, list[int]]:
        """Which sessions in a leased database wait for which others."""
        self._check(holding)
        return await self._admin.blockers(holding.name)

    async def end_sessions(self, holding: Holding) -> None:
        """End the sessions of a play."""
        self._check(holding)
        await self._admin.end_sessions(holding.name, holding.connection)

    async def check(self, holding: Holding) -> None:
        """Check that the server of a lease works."""
        self._check(holding)
        await self._admin.check()

    def end(self, holding: Holding) -> None:
        """Take a database back in the background, even if it is still in use."""
        self._held.remove(holding)
        is_enough = len(self._spares) + len(self._recycling) >= MOST
        worn = holding.plays >= TIMES
        is_over = bool(holding.refusal)
        if not self._server.makes_roles or is_over or worn or is_enough or self._closed:
            holding.connection.terminate()
            self._discard(holding.name)
            return
        task = self._in_background(self._recycle(holding))
        self._recycling.add(task)
        task.add_done_callback(self._recycling.discard)

    def fill(self) -> None:
        """Make spares in the background."""
        self._in_background(self._fill())

    async def close(self) -> None:
        """Drop all that there is."""
        self._closed = True
        if self._watch is not None:
            self._watch.cancel()
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._forget_spares()
        if self._start:
            await self._drop_all("WITH (FORCE)")
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._admin.leave()

    def _forget_spares(self) -> None:
        while self._spares:
            self._spares.popleft().connection.terminate()

    def _discard(self, name: str) -> None:
        self._in_background(self._admin.drop(name, "WITH (FORCE)"))

    async def _lease(self, seed_sql: str, for_hours: bool) -> Holding:
        name, password, connection, plays = await self._take()
        now = asyncio.get_running_loop().time()
        holding = Holding(name, password, self._start, plays + 1, connection, for_hours, now)
        try:
            if for_hours:
                await self._admin.allow_long_statements(name)
            with errors_translated(self._server, self.address(holding).user):
                await seed(connection, seed_sql)
            await self._ready()  # an open connection may outlive its server by a moment
            self._check(holding)
        except ServiceError:
            connection.terminate()
            self._discard(name)
            raise
        self.fill()
        self._held.append(holding)
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._look_after())
        return holding

    async def _look_after(self) -> None:
        """See to it that no play takes too much, as long as there is one."""
        while self._held:
            await asyncio.sleep(EVERY)
            await _logged(self._overuse.look(self._held))

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
            await self._admin.begin()
            # Not by force: what is in use cannot be a dead keeper's.
            await self._drop_all("")
            self._start = start

    async def _drop_all(self, how: str) -> None:
        for name in await self._admin.names(self._prefix):
            self._in_background(self._admin.drop(name, how))

    async def _make(self) -> Spare:
        name = f"{self._prefix}{os.getpid()}_{secrets.token_hex(4)}"
        try:
            password = await self._admin.make(name)
            return Spare(name, password, await self._connect(name, password), plays=0)
        except ServiceError:
            self._discard(name)
            raise

    async def _connect(self, name: str, password: str) -> Connection:
        address = self._server.address(name, password)
        return await connect(self._server, address, statement_timeout=LONGEST)

    async def _recycle(self, holding: Holding) -> None:
        """Make a spare of a used database; if anything in it is not as new, drop it."""
        spare = None
        try:
            async with asyncio.timeout(CLEANING):
                spare = await self._made_new(holding)
        finally:
            holding.connection.terminate()
            if spare and holding.start == self._start and not self._closed:
                self._spares.append(spare)
            else:
                self._discard(holding.name)

    async def _made_new(self, holding: Holding) -> Spare | None:
        name = holding.name
        await self._admin.end_sessions(name, holding.connection)
        with errors_translated(self._server, name):
            await clear(holding.connection, name)
        holding.connection.terminate()
        password = await self._admin.replace_role(name)
        connection = await self._connect(name, password)
        # A session of the old role has no rights any more, but might hold a lock.
        await self._admin.end_sessions(name, connection)
        with errors_translated(self._server, name):
            if await is_as_new(connection):
                return Spare(name, password, connection, holding.plays)
        connection.terminate()
        return None

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    """Do what no client waits for. If it matters, it fails again for one that does."""
    try:
        await work
    except (ServiceError, TimeoutError) as error:
        log.warning("%s", error)
