"""A relay between the learner's driver and a real PostgreSQL server, on the play's clock.

A batch of messages waits for as long as its statements are to take, in virtual time; then it
goes to the server, and the clock is held until the answer is complete. So time is exact, and
what the database does is real.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from ..driver.stage import Stage
from ..scenarios import Fault, Postgres
from .leases import Lease, lease
from .links import Link
from .locks import Locks
from .sockets import loopback_socket

TURNS_TO_SETTLE = 20
"""Turns of the loop in which a connection that was closed at shutdown is seen to be closed."""


class PostgresRelay:
    """One database of one play, as a service.

    Args:
        name: the factory's parameter, by which spans name the database.

    Raises:
        GraderError: there is no server, or the seed does not run.
    """

    def __init__(self, description: Postgres, name: str, stage: Stage) -> None:
        self.description = description
        self.name = name
        self.stage = stage
        self.links: list[Link] = []
        self.connections = 0
        self._lease: Lease | None = lease(description.seed_sql)
        self.address = self._lease.address
        self.locks = Locks(self._lease, self.links)
        self.one_at_a_time = asyncio.Lock()
        self.changed = asyncio.Event()
        self._faults_met: dict[int, int] = {}
        self._server: asyncio.Server | None = None
        self._socket = loopback_socket()

    @property
    def dsn(self) -> str:
        port = self._socket.getsockname()[1]
        a = self.address
        password = f":{a.password}" if a.password else ""
        return f"postgresql://{a.user}{password}@127.0.0.1:{port}/{a.database}"

    async def open(self) -> None:
        if any(f.does == "refuse" and (f.at, f.times) == (1, None) for f in self.faults):
            return  # bound, and nobody listens: the kernel itself refuses
        loop = self.stage.loop
        loop.while_waiting = self.locks.look
        self._server = await loop.create_server(lambda: Link(self), sock=self._socket)

    async def close(self) -> None:
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)
        for link in list(self.links):
            link.leave_open()
        if self._lease is not None:
            for sql in self.description.reads:
                self.stage.readings[sql] = self._lease.rows(sql)
        self.give_back()

    def give_back(self) -> None:
        for link in list(self.links):
            link.abort()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._socket.close()
        if self._lease is not None:
            with suppress(OSError):
                self._lease.close()
            self._lease = None

    @property
    def faults(self) -> tuple[Fault, ...]:
        return self.description.faults

    def fault_of_connection(self) -> Fault | None:
        """What goes wrong with the connection that is opened now."""
        self.connections += 1
        return next(
            (f for f in self.faults if f.does in ("refuse", "too-many") and self._is_met(f)), None
        )

    def fault_of(self, text: str) -> Fault | None:
        """What goes wrong with a statement that is sent now."""
        found = None
        for fault in self.faults:
            concerns = fault.does in ("drop", "stall", "fail")
            if concerns and fault.matching.lower() in text.lower() and self._is_met(fault):
                found = found or fault
        return found

    def _is_met(self, fault: Fault) -> bool:
        """Count what a fault waits for; whether it is its turn."""
        met = self._faults_met[id(fault)] = self._faults_met.get(id(fault), 0) + 1
        return met >= fault.at and (fault.times is None or met < fault.at + fault.times)

    def seconds_of(self, statements: int) -> float:
        """Virtual seconds from a batch with so many statements of the learner's to its answer."""
        return self.description.round_trip + self.description.statement * statements

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server itself."""
        host, port = self.address.host, self.address.port
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def server_rests(self) -> None:
        """Wait until every statement is answered, or waits for a lock in the server."""
        while any(link.is_held for link in self.links):
            self.changed.clear()
            await self.changed.wait()

    def check(self) -> None:
        """Raise a `GraderError` if the server does not answer."""
        if self._lease is not None:
            self._lease.rows("select 1")

    def link_of(self, key: Any) -> Link | None:
        """The connection that a cancel request means by its process id and secret."""
        return next((link for link in self.links if link.key == key), None)
