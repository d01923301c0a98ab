"""A relay between the learner's driver and a real PostgreSQL server, on the play's clock.

A batch of messages waits for as long as its statements are to take, in virtual time; then it
goes to the server, and the clock is held until the answer is complete. So time is exact, and
what the database does is real.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from ...driver.context import PlayContext
from ...model.errors import GraderError
from ...model.scenarios import Fault, Postgres
from ..base.errors import ServiceError
from ..base.faults import Faults
from ..base.sockets import loopback_socket
from .connections import PostgresConnection
from .daemon.leases import Lease, lease
from .locks import Locks
from .psycopg_pools import tell_psycopg_pools
from .wire import ASKS_FOR_TLS, Batch, Frame

T = TypeVar("T")

TURNS_TO_SETTLE = 20
"""Turns of the loop in which a connection that was closed at shutdown is seen to be closed."""

_END_OTHERS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""

LOST = ServiceError(
    "The PostgreSQL server lost a connection in the middle of a play, without a word.",
    "Run it again. If that does not help, see whether the machine is short of memory.",
)


class PostgresRelay:
    """One database of one play, as a service.

    Args:
        name: the factory's parameter, by which spans name the database.

    Raises:
        GraderError: there is no server, or the seed does not run.
    """

    def __init__(self, description: Postgres, name: str, context: PlayContext) -> None:
        self.description = description
        self.name = name
        self.context = context
        self.links: list[PostgresConnection] = []
        self.connections = 0
        tell_psycopg_pools()
        self._lease: Lease | None = lease(description.seed_sql)
        self.address = self._lease.address
        self.locks = Locks(self)
        self.one_at_a_time = asyncio.Lock()
        self.changed = asyncio.Event()
        self.faults = Faults(description.faults, context)
        self._server: asyncio.Server | None = None
        self._socket = loopback_socket()

    @property
    def dsn(self) -> str:
        port = self._socket.getsockname()[1]
        here = msgspec.structs.replace(self.address, host="127.0.0.1", port=port, sslmode=None)
        return here.dsn

    async def open(self) -> None:
        if self.faults.refuses_all:
            return  # bound, and nobody listens: the kernel itself refuses
        loop = self.context.loop
        loop.while_waiting = in_turn(loop.while_waiting, self.locks.look)
        self._server = await loop.create_server(lambda: PostgresConnection(self), sock=self._socket)

    async def close(self) -> None:
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)
        if self.links:
            self.look_up(_END_OTHERS)  # what they have locked is to be read
        for link in list(self.links):
            link.leave_open()
        for sql in self.description.reads:
            self.context.readings[sql] = self._read(sql)
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

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do work of the relay's own, which nobody watches as they watch the app's tasks."""
        return asyncio.Task(work, loop=self.context.loop)

    # What goes wrong on order

    def fault_of_connection(self) -> Fault | None:
        """What goes wrong with the connection that is opened now."""
        self.connections += 1
        return self.faults.of_connection()

    def fault_of(self, batch: Batch) -> Fault | None:
        """What goes wrong with the statements that are sent now."""
        texts = [statement.text for statement in batch.statements if statement.is_learners]
        met = [self.faults.of_statement(text) for text in texts]  # all of them are counted
        return next((fault for fault in met if fault is not None), None)

    def seconds_of(self, batch: Batch) -> float:
        """Virtual seconds from a batch to its answer."""
        statements = sum(statement.takes_time for statement in batch.statements)
        return self.description.round_trip + self.description.statement * statements

    # The server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the server itself."""
        path = self.address.socket_path
        if path is not None:
            return await asyncio.open_unix_connection(path)
        reader, writer = await asyncio.open_connection(self.address.host, self.address.port)
        if self.address.sslmode != "disable":
            writer.write(ASKS_FOR_TLS)
            if await reader.readexactly(1) == b"S":
                await writer.start_tls(_encrypted())
        return reader, writer

    async def deliver(self, first_packet: Frame) -> None:
        """Send the server a packet that has no answer, on a connection of its own."""
        with suppress(OSError):
            reader, writer = await self.connect()
            writer.write(first_packet.packed[1:])
            await reader.read()
            writer.close()

    async def settle(self) -> None:
        """Wait until the server rests, and give out its answers, one after the other."""
        while any(link.is_held for link in self.links):
            self.changed.clear()
            await self.changed.wait()
        for link in list(self.links):
            if link.give_answer():
                await self.rest()

    async def rest(self) -> None:
        """Let all happen that follows from an answer: its order must not be up to chance."""
        at_rest = asyncio.Event()
        self.context.loop.at_rest.append(at_rest.set)
        await at_rest.wait()

    async def pass_notifications(self) -> None:
        """Something was answered: those who listen may have something to hear."""
        if any(link.listens for link in self.links):
            async with self.one_at_a_time:
                for link in [link for link in self.links if link.listens]:
                    with suppress(OSError):
                        await link.hear_notifications()

    def link_of(self, key: tuple[int, int]) -> PostgresConnection | None:
        """The connection that a cancel request means by its process id and secret."""
        return next((link for link in self.links if link.key == key), None)

    # The grader's own questions to it

    def look_up(self, sql: str) -> list[dict[str, Any]]:
        """What a statement of the grader's own returns. If it fails, the play is void."""
        try:
            return self._lease.rows(sql) if self._lease is not None else []
        except GraderError as error:
            self._give_up(error)
            return []

    def note_loss(self, is_explained: bool) -> None:
        """The server hung up. Unless it said why, and lives, that is not the learner's doing."""
        self.look_up("select 1")
        if not is_explained:
            self._give_up(LOST)

    def _read(self, sql: str) -> Any:
        """The rows of a reading; or what is wrong with it, for a table may be gone."""
        try:
            return self._lease.rows(sql) if self._lease is not None else []
        except GraderError as error:
            self.look_up("select 1")
            return error.problem

    def _give_up(self, why: GraderError) -> None:
        self.context.broken = self.context.broken or str(why)
        for link in list(self.links):
            link.abort()


def _encrypted() -> ssl.SSLContext:
    """TLS as libpq does it by default. Whether the server is the right one, the keeper has seen."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def in_turn(*functions: Callable[[], object]) -> Callable[[], None]:
    """A function that calls these, one after the other."""

    def call() -> None:
        for function in functions:
            function()

    return call
