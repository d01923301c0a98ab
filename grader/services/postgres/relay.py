"""A relay between the learner's driver and a real PostgreSQL server, on the play's clock.

A batch of messages waits for as long as its statements are to take, in virtual time; then the
server carries it out, and everything stands still until it has. So time is exact, and what the
database does is real.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, TypeVar

import msgspec

from ...model.errors import GraderError
from ...model.scenarios import Fault, Postgres
from ..base.context import ServiceContext
from ..base.errors import ServiceError
from ..base.faults import Faults
from ..base.host import ServiceHost
from ..base.off_clock import off_clock
from ..base.quiet import quiet
from .connections import PostgresConnection
from .daemon.leases import Lease, lease
from .locks import Locks
from .pooler import Pooler
from .private import psycopg_on_clock
from .questions import ServerQuestion
from .session import ServerSession, send_alone
from .turns import Turns
from .wire import Batch, Frame

T = TypeVar("T")

_BY_ANOTHER = """
    do $other$
    begin
        set local lock_timeout = '1s';
        execute $sql${sql}$sql$;
    exception when lock_not_available then null;
    end
    $other$
"""
"""What somebody else does. What the app has locked can't be waited for: the app stands still."""

LOST = ServiceError(
    "The PostgreSQL server lost a connection in the middle of a play, without a word.",
    "Run it again. If that does not help, see whether the machine is short of memory.",
)


class PostgresRelay(ServiceHost[PostgresConnection]):
    """One database of one play.

    Attributes:
        server: the address of the database at the real server.

    Raises:
        GraderError: there is no server, or the seed does not run.
    """

    def __init__(self, description: Postgres, name: str, context: ServiceContext) -> None:
        self._lease: Lease | None = lease(description.seed_sql)
        super().__init__(name, context)
        self.description = description
        self.server = self._lease.address
        self.faults = Faults(description.faults, context)
        self.turns = Turns(context.loop)
        self.pooler = Pooler(self._lease.log_in, description.pooler) if description.pooler else None
        self._locks = Locks(self)
        self._installed = ExitStack()
        self._installed.enter_context(quiet("psycopg"))
        self._installed.enter_context(psycopg_on_clock())
        if not self.faults.refuses_all:
            self.listen()

    @property
    def given(self) -> str:
        host, port = self.address
        here = msgspec.structs.replace(self.server, host=host, port=port, sslmode=None)
        return here.dsn

    async def open(self) -> None:
        for seconds, sql in self.description.meanwhile:
            self.agenda.after(seconds, partial(self.turns.add, partial(self._have_done, sql)))
        self.plan(self.description.outages, partial(self.turns.add, self._go_away))

    def connected(self, sock: socket.socket, port: int) -> PostgresConnection:
        return PostgresConnection(self, sock, port)

    def go_on(self) -> bool:
        return super().go_on() or self.turns.end_rest()

    def read(self) -> None:
        self._end_all_sessions()  # what they have locked is to be read
        for connection in list(self.connections):
            connection.close("open")
        for sql in self.description.reads:
            self.context.readings[sql] = self._read(sql)

    def clear_up(self) -> None:
        self.turns.clear()
        if self.pooler is not None:
            self.pooler.close()
        self._installed.close()
        if self._lease is not None:
            with suppress(OSError):
                self._lease.close()
            self._lease = None

    def _go_away(self) -> bool:
        """The server goes away: who is connected is cut off, and the next ones are refused."""
        self.stop_listening()
        self._end_all_sessions()
        for connection in list(self.connections):
            connection.be_cut()
        return True

    def _end_all_sessions(self) -> None:
        if self.pooler is not None or any(connection.session for connection in self.connections):
            self.look_up(Lease.end_sessions)
        if self.pooler is not None:
            self.pooler.close()

    # How long it takes, and what goes wrong

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

    def begin_session(self, first_packet: bytes) -> ServerSession:
        """A session at the server, begun with a client's first packet.

        Raises:
            OSError: the server can't be reached, or the play is over.
        """
        if self._lease is None:
            raise ConnectionResetError("the play is over")
        with off_clock():
            return ServerSession(self._lease.connect(first_packet))

    def send_alone(self, first_packet: Frame) -> None:
        """Send the server a packet that has no answer."""
        if self._lease is not None:
            send_alone(self._lease, first_packet)

    def settle(self) -> None:
        """Wait until the server has answered all that it can now, and line the answers up."""
        while heard := [each for each in self.unanswered() if not each[1].waits_for_lock]:
            for connection, question in heard:
                self._hear(connection, question)
        answered = [each for each in self.connections if each.question and each.question.is_over]
        self.turns.add_first([connection.give_answer for connection in answered])

    def unanswered(self) -> list[tuple[PostgresConnection, ServerQuestion]]:
        """What the server owes an answer to, and whose that is."""
        asked = [(each, each.question) for each in self.connections]
        return [(each, question) for each, question in asked if question and not question.is_over]

    def _hear(self, connection: PostgresConnection, question: ServerQuestion) -> None:
        question.hear(connection.session)
        if question.is_over:
            self._locks.look_again()
        else:
            self._locks.look()

    def settle_locks(self) -> None:
        """A connection is gone: another one may have waited for a lock that it held."""
        self._locks.look_again()
        self.settle()

    def pass_notifications(self) -> None:
        """Something was answered: those who listen may have something to hear."""
        for connection in self.connections:
            if connection.listens:
                self.turns.add(connection.hear_notifications)

    def pass_cancel(self, key: tuple[int, int], packet: Frame, done: Callable[[], object]) -> None:
        """End what a connection waits for: the time it takes, or a lock in the server.

        Args:
            key: the process id and secret that the cancel request names.
            done: called when that has been done.
        """
        meant = next((each for each in self.connections if each.key == key), None)
        if meant is None:
            done()
            return
        in_server = partial(self._cancel_in_server, meant, packet, done)
        meant.cancel(lambda: self.turns.add(in_server))

    def _cancel_in_server(
        self, meant: PostgresConnection, packet: Frame, done: Callable[[], object]
    ) -> bool:
        question = meant.question
        if question is not None and not question.is_over:
            question.is_called_off, question.waits_for_lock = True, False
            meant.cancel_in_server(packet)
            self.settle()
        done()
        return False

    # The grader's own questions to it, and what it does in it

    def _have_done(self, sql: str) -> bool:
        """Have somebody else do this in the database. If that fails, the trace says why."""
        done = self._read(_BY_ANOTHER.format(sql=sql))
        if isinstance(done, str):
            self.context.readings[sql] = done
        self.pass_notifications()
        return False

    def look_up(self, ask: Callable[[Lease], T]) -> T | None:
        """What the keeper says of the lease. If it has nothing to say, the play is void."""
        try:
            return self._ask(ask)
        except GraderError as error:
            self._give_up(error)
            return None

    def note_loss(self, session: ServerSession | None) -> None:
        """The server hung up. Unless it said why, and lives, that is not the learner's doing."""
        self.look_up(Lease.check)
        if session is None or session.last_heard != ord("E"):
            self._give_up(LOST)

    def _ask(self, ask: Callable[[Lease], T]) -> T | None:
        with off_clock():
            return ask(self._lease) if self._lease is not None else None

    def _read(self, sql: str) -> Any:
        """The rows of a reading; or what is wrong with it, for a table may be gone."""
        try:
            return self._ask(lambda lease: lease.rows(sql))
        except GraderError as error:
            self.look_up(Lease.check)
            return error.problem

    def _give_up(self, why: GraderError) -> None:
        self.fail(why)
        for connection in list(self.connections):
            connection.close("open")
