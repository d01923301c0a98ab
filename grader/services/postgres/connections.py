"""One client's connection to a database: the learner's driver here, the server there.

What spans tell of it: a `connection` is `done` when the client closes it, `failed` when it is
lost, and `open` if nobody has closed it at shutdown; a `transaction` is `done` if it was
committed, and `failed` if it was rolled back.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...driver.origins import Origin
from ...driver.recorder import Open
from ...model.trace import Ending, SpanKind
from .wire import (
    CANCEL,
    GSS,
    SYNC,
    TERMINATE,
    TLS,
    Batch,
    Batches,
    Frame,
    FrameParser,
    Malformed,
    error,
)

if TYPE_CHECKING:
    from .relay import PostgresRelay

CANCELLED = "57014", "canceling statement due to user request"
TOO_MANY = "53300", "sorry, too many clients already"
LONGEST_TEXT = 10_000
"""Characters of a statement that a span tells."""
BY_SCENARIO = "the scenario lets this fail"

COMMITTED = ord("C"), b"COMMIT\0"
AUTHENTICATION_IS_OVER = b"\0\0\0\0", b"\0\0\0\x0c"

IsEnd = Callable[[Frame], bool]
Answered = asyncio.Future[list[Frame]]


class Cancelled(Exception):
    """The client has asked for the end of the statement."""


class StatementFailed(Exception):
    """The scenario wants the statement to fail with this SQLSTATE."""


class Over(Exception):
    """The client has gone, or the scenario wants the connection to be lost."""

    def __init__(self, how: Ending) -> None:
        self.how = how


class PostgresConnection(asyncio.Protocol):
    """A connection, from its first packet to its end.

    Attributes:
        key: the server's process id and secret, as a cancel request names them.
        is_pending: whether the server owes an answer.
        is_held: whether the clock is held until it comes.
        is_ended: whether the server has been told not to wait for a lock any longer.
        listens: whether notifications are to be passed on.
    """

    def __init__(self, relay: PostgresRelay) -> None:
        self.relay = relay
        self.key: tuple[int, int] | None = None
        self.is_pending = False
        self.is_held = False
        self.is_ended = False
        self.listens = False
        # What the client asks
        self._parser = FrameParser(first_packet=True)
        self._batches = Batches()
        self._asked: asyncio.Queue[tuple[Batch, Origin] | None] = asyncio.Queue()
        self._cancel = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        # What the server answers
        self._server: asyncio.StreamWriter | None = None
        self._answers = FrameParser(first_packet=False)
        self._heard: deque[Frame] = deque()
        self._last_heard = 0
        self._turn: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[list[Frame] | OSError] | None = None
        self._answered: Answered
        self._status = b""
        self._skips_to_sync = False
        # What is written down
        self._resource = 0
        self._life: Open | None = None
        self._transaction: Open | None = None

    @property
    def pid(self) -> int | None:
        return self.key[0] if self.key else None

    # What the client sends

    def connection_made(self, transport: Any) -> None:
        self._client: asyncio.Transport = transport
        self._port = transport.get_extra_info("peername")[1]

    def data_received(self, data: bytes) -> None:
        try:
            for frame in self._parser.feed(data):
                self._take(frame)
        except (Malformed, struct.error):
            self._client.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._end_spans("done")
        self._asked.put_nowait(None)

    def _take(self, frame: Frame) -> None:
        if frame.type == 0:
            self._first(frame)
        elif frame.type == ord("X"):
            self._asked.put_nowait(None)
        elif batch := self._batches.add(frame):
            self._asked.put_nowait((batch, self._origin()))

    def _first(self, packet: Frame) -> None:
        (code,) = struct.unpack_from("!I", packet.body)
        if code in (TLS, GSS):
            self._client.write(b"N")
            self._parser.first_packet = True
        elif code == CANCEL:
            key = struct.unpack_from("!II", packet.body, 4)
            self._task = self.relay.start(self._pass_cancel(self.relay.link_of(key), packet))
        else:
            self._begin(packet)

    def _begin(self, startup: Frame) -> None:
        fault = self.relay.fault_of_connection()
        if fault is None:
            self.relay.links.append(self)
            self._resource = self.relay.context.recorder.new_resource()
            self._life = self._span("connection", self._origin())
            self._task = self.relay.start(self._serve(startup))
        elif fault.does == "too-many":
            self._client.write(error("FATAL", *TOO_MANY).packed)
            self._client.close()
        else:
            self._client.abort()

    async def _pass_cancel(self, link: PostgresConnection | None, packet: Frame) -> None:
        """End what another connection waits for: the time it takes, or a lock in the server."""
        if link is not None:
            link._cancel.set()
            async with self.relay.one_at_a_time:
                if link.is_pending:
                    link.is_ended = True
                    link.hold()
                    with self.relay.context.clock.held():
                        await self.relay.deliver(packet)
                    await self.relay.settle()
        self._client.close()

    # What the relay does with it

    async def _serve(self, startup: Frame) -> None:
        try:
            await self._log_in(startup)
            while True:
                await self._answer(*await self._next())
        except Over as over:
            self._end_spans(over.how)
        except OSError:
            self._end_spans("failed")
            self.relay.note_loss(is_explained=self._last_heard == ord("E"))
        finally:
            await self._leave()

    async def _next(self) -> tuple[Batch, Origin]:
        asked = await self._asked.get()
        if asked is None:
            raise Over("done")
        return asked

    async def _log_in(self, startup: Frame) -> None:
        """Let the client log in at the server by itself, up to the first ReadyForQuery."""
        await self._wait(self.relay.description.round_trip)
        message = startup.packed[1:]
        while True:
            answer = [_without_tls(frame) for frame in await self._ask(message, _ends_login_step)]
            for frame in answer:
                if frame.type == ord("K"):
                    self.key = struct.unpack_from("!II", frame.body)
            self._pass_on(answer)
            if self._status:
                return
            batch, _ = await self._next()  # a password, which is the server's business
            message = batch.packed

    async def _answer(self, batch: Batch, origin: Origin) -> None:
        learners = [statement for statement in batch.statements if statement.is_learners]
        self.listens |= any(statement.listens for statement in learners)
        spans = [
            (s, self._span("statement", origin, s.text[:LONGEST_TEXT], s.parameters))
            for s in learners
        ]
        how: Ending = "failed"
        try:
            how = await self._carry_out(batch)
        finally:
            for statement, span in spans:
                self.relay.context.recorder.end(span, how, count=statement.rows)

    async def _carry_out(self, batch: Batch) -> Ending:
        self._cancel.clear()
        if self._skips_to_sync:
            return await self._skip(batch)
        how = await self._take_time_and_ask(batch, batch)
        while batch.wants_data:
            data, _ = await self._next()
            how = await self._take_time_and_ask(data, batch)
        await self.relay.pass_notifications()
        return "cancelled" if how == "failed" and self._cancel.is_set() else how

    async def _skip(self, batch: Batch) -> Ending:
        """After an error the server takes up nothing but a Sync."""
        if batch.is_synced:
            self._skips_to_sync = False
            self._pass_on(await self._ask(batch.packed, batch.take))
        return "failed"

    async def _take_time_and_ask(self, batch: Batch, about: Batch) -> Ending:
        """Let the server carry out a batch, or fail; how that ended.

        Args:
            about: the batch that the answer is about, which differs for the data of a COPY.
        """
        try:
            await self._take_time(batch)
        except Cancelled:
            return await self._fail(batch, about, *CANCELLED)
        except StatementFailed as fault:
            return await self._fail(batch, about, str(fault), BY_SCENARIO)
        if not batch.expects_answer:
            self._send(batch.packed)
            return "done"
        return self._pass_on(await self._ask(batch.packed, about.take))

    async def _fail(self, batch: Batch, about: Batch, sqlstate: str, text: str) -> Ending:
        failing = batch.in_error(sqlstate, text)
        is_end = failing.take if about is batch else about.take
        answer = await self._ask(failing.packed, is_end)
        if not about.is_synced:
            answer.pop()  # ReadyForQuery is for the Sync that is to come
        return self._pass_on(answer)

    def _pass_on(self, answer: Sequence[Frame]) -> Ending:
        """Give the client an answer; how the statements ended that it is about."""
        self._client.write(b"".join(frame.packed for frame in answer))
        is_error = any(frame.type == ord("E") for frame in answer)
        if answer and _is_ready(answer[-1]):
            self._status = answer[-1].body
            self._note_transaction(answer)
        elif is_error:
            self._skips_to_sync = True
        return "failed" if is_error else "done"

    async def _take_time(self, batch: Batch) -> None:
        """Let the time go by that the statements take, or let them come to grief."""
        seconds = self.relay.seconds_of(batch)
        fault = self.relay.fault_of(batch)
        match fault.does if fault else "":
            case "stall":
                await self._wait(float("inf"))
            case "drop":
                await self._wait(seconds / 2)
                raise Over("failed")
            case "fail" if fault:
                await self._wait(seconds)
                raise StatementFailed(fault.sqlstate)
            case _:
                await self._wait(seconds)

    async def _wait(self, seconds: float) -> None:
        """Let virtual time pass, unless the client cancels."""
        if not seconds:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._cancel.wait()
                raise Cancelled

    # What the server says

    async def _ask(self, message: bytes, is_end: IsEnd) -> list[Frame]:
        """Send the server something; its answer, up to the message that `is_end`."""
        answered: Answered = self.relay.context.loop.create_future()
        self._turn = self.relay.start(self._take_turn(message, is_end, answered))
        return await answered

    async def _take_turn(self, message: bytes, is_end: IsEnd, answered: Answered) -> None:
        # One after another: what comes first in the server must not be up to chance.
        async with self.relay.one_at_a_time:
            self._say(message, is_end, answered)
            await self.relay.settle()

    def _say(self, message: bytes, is_end: IsEnd, answered: Answered) -> None:
        self.await_server()
        self._answered = answered
        self._reading = self.relay.start(self._read_answer(message, is_end))

    async def _read_answer(self, message: bytes, is_end: IsEnd) -> list[Frame] | OSError:
        answer: list[Frame] = []
        try:
            if self._server is None:
                self._reader, self._server = await self.relay.connect()
            self._send(message)
            while not answer or not is_end(answer[-1]):
                if not self._heard:
                    await self._hear_more()
                answer.append(self._heard.popleft())
        except OSError as error:
            self._pass_on(answer)  # it is all that the client will ever get
            return error
        finally:
            self.let_go()
            self.relay.locks.look_again()
        return answer

    def _send(self, message: bytes) -> None:
        assert self._server is not None
        self._status = b""
        self._server.write(message)

    async def _hear_more(self) -> None:
        while not self._heard:
            data = await self._reader.read(2**18)
            if not data:
                raise ConnectionResetError
            self._heard.extend(self._answers.feed(data))
        self._last_heard = self._heard[-1].type

    def give_answer(self) -> bool:
        """Let the client have what the server has answered; whether there is anything."""
        if self._reading is None or not self._reading.done():
            return False
        answer = self._reading.result()
        self._reading = None
        if isinstance(answer, OSError):
            self._answered.set_exception(answer)
        else:
            self._answered.set_result(answer)
        return True

    async def hear_notifications(self) -> None:
        """Have an idle server say now what it would say by itself a little later."""
        if self._status != b"I":
            return
        answered = self.relay.context.loop.create_future()
        self._say(SYNC, _is_ready, answered)
        await self.relay.settle()
        *notifications, ready = await answered
        self._status = ready.body
        if notifications:
            self._client.write(b"".join(frame.packed for frame in notifications))
            await self.relay.rest()

    # Holding the clock

    def await_server(self) -> None:
        """The server owes an answer; until it is there, time stands still."""
        self.is_pending, self.is_ended = True, False
        self.hold()

    def hold(self) -> None:
        if not self.is_held:
            self.is_held = True
            self.relay.context.clock.hold()

    def let_go(self, pending: bool = False) -> None:
        """Let time pass: the answer is there, or can come only when time has passed."""
        self.is_pending = pending
        if self.is_held:
            self.is_held = False
            self.relay.context.clock.release()
            self.relay.changed.set()

    # Writing it down, and the end

    def _origin(self) -> Origin:
        return self.relay.context.origins.of(self._port)

    def _span(self, kind: SpanKind, origin: Origin, *arguments: Any) -> Open:
        return self.relay.context.recorder.begin(
            kind,
            self.relay.name,
            resource=self._resource,
            arguments=arguments,
            **origin._asdict(),
        )

    def _note_transaction(self, answer: Sequence[Frame]) -> None:
        is_over = self._status == b"I"
        if not is_over and self._transaction is None:
            self._transaction = self._span("transaction", self._origin())
        elif is_over and self._transaction is not None:
            is_committed = any((frame.type, frame.body) == COMMITTED for frame in answer)
            self.relay.context.recorder.end(self._transaction, "done" if is_committed else "failed")
            self._transaction = None

    def _end_spans(self, how: Ending) -> None:
        recorder = self.relay.context.recorder
        if self._transaction is not None:
            recorder.end(self._transaction, "open" if how == "open" else "failed")
        if self._life is not None:
            recorder.end(self._life, how)

    async def _leave(self) -> None:
        """Take leave of the server; the locks of the connection are free when it hangs up."""
        self._client.close()
        if self._server is not None and self in self.relay.links:
            async with self.relay.one_at_a_time:
                self.await_server()
                self._hang_up(self._server)
                with suppress(OSError):
                    while True:
                        self._heard.clear()
                        await self._hear_more()
                self.let_go()
                self.relay.locks.look_again()
                await self.relay.settle()
        self.abort()

    def _hang_up(self, server: asyncio.StreamWriter) -> None:
        self._send(TERMINATE)
        if server.can_write_eof():
            server.write_eof()

    def leave_open(self) -> None:
        """The app is down: a connection that is still there was never closed."""
        self._end_spans("open")
        self.abort()

    def abort(self) -> None:
        self.let_go()
        if self in self.relay.links:
            self.relay.links.remove(self)
        if self._server is not None:
            self._server.transport.abort()
        self._client.close()


def _is_ready(frame: Frame) -> bool:
    return frame.type == ord("Z")


def _ends_login_step(frame: Frame) -> bool:
    """Whether it is the client's turn: it is logged in, or asked for a password."""
    asks = frame.type == ord("R") and frame.body[:4] not in AUTHENTICATION_IS_OVER
    return asks or _is_ready(frame)


def _without_tls(frame: Frame) -> Frame:
    """Without an offer that the client cannot take up: between it and the relay is no TLS."""
    offer = b"SCRAM-SHA-256-PLUS\0"
    if frame.type == ord("R") and offer in frame.body:
        return Frame(frame.type, frame.body.replace(offer, b""))
    return frame
