"""One client's connection to a database: the learner's driver here, the server there."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..driver.origins import Origin
from ..driver.recorder import Open
from ..errors import GraderError
from ..trace import Ending, SpanKind
from .wire import CANCEL, GSS, TLS, Batch, Batches, Frame, Parser, error, raising

if TYPE_CHECKING:
    from .postgres import PostgresRelay

CANCELLED = "57014", "canceling statement due to user request"
TOO_MANY = "53300", "sorry, too many clients already"


class Cancelled(Exception):
    """The client has asked for the end of the statement."""


class Failed(Exception):
    """The scenario wants the statement to fail with this SQLSTATE."""


class Link(asyncio.Protocol):
    """A connection, from its first packet to its end.

    Attributes:
        key: the server's process id and secret, as a cancel request names them.
        is_pending: whether the server owes an answer.
        is_held: whether the clock is held until it comes.
    """

    def __init__(self, relay: PostgresRelay) -> None:
        self.relay = relay
        self.key: tuple[int, int] | None = None
        self.is_pending = False
        self.is_held = False
        self._parser = Parser(first_packet=True)
        self._batches = Batches()
        self._asked: asyncio.Queue[tuple[Batch, Origin] | None] = asyncio.Queue()
        self._cancel = asyncio.Event()
        self._resource = 0
        self._life: Open | None = None
        self._transaction: Open | None = None
        self._server: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._skips_to_sync = False

    @property
    def pid(self) -> int | None:
        return self.key[0] if self.key else None

    # What the client sends

    def connection_made(self, transport: Any) -> None:
        self._client: asyncio.Transport = transport
        self._port = transport.get_extra_info("peername")[1]

    def data_received(self, data: bytes) -> None:
        for frame in self._parser.feed(data):
            if frame.type == 0:
                self._first(frame)
            elif frame.type == ord("X"):
                self._asked.put_nowait(None)
            elif batch := self._batches.add(frame):
                self._asked.put_nowait((batch, self._origin()))

    def connection_lost(self, error: Exception | None) -> None:
        self._end_spans("done")
        self._asked.put_nowait(None)

    def _first(self, packet: Frame) -> None:
        (code,) = struct.unpack_from("!I", packet.body)
        if code in (TLS, GSS):
            self._client.write(b"N")
            self._parser.first_packet = True
        elif code == CANCEL:
            self._pass_cancel(struct.unpack_from("!II", packet.body, 4))
        else:
            self._begin(packet)

    def _pass_cancel(self, key: Any) -> None:
        link = self.relay.link_of(key)
        if link is not None:
            link._cancel.set()
        self._client.close()

    def _begin(self, startup: Frame) -> None:
        fault = self.relay.fault_of_connection()
        if fault is None:
            self.relay.links.append(self)
            self._resource = self.relay.stage.recorder.new_resource()
            self._life = self._span("connection", self._origin())
            self._task = asyncio.ensure_future(self._serve(startup))
        elif fault.does == "too-many":
            self._client.write(error("FATAL", *TOO_MANY).packed)
            self._client.close()
        else:
            self._client.abort()

    # What the relay does with it

    async def _serve(self, startup: Frame) -> None:
        try:
            await self._log_in(startup)
            while asked := await self._asked.get():
                await self._answer(*asked)
        except (ConnectionError, StopAsyncIteration):
            self._check_server()
        finally:
            self.let_go()
            self.abort()

    async def _log_in(self, startup: Frame) -> None:
        """Let the client log in at the server by itself, up to the first ReadyForQuery."""
        await self._wait(self.relay.description.round_trip)
        self.await_server()
        reader, self._server = await self.relay.connect()
        self._frames = _frames(reader)
        self._server.write(struct.pack("!I", len(startup.body) + 4) + startup.body)
        async for frame in self._frames:
            if frame.type == ord("K"):
                self.key = struct.unpack("!II", frame.body[:8])
            self._client.write(frame.packed)
            if frame.type in b"ZE":
                break
            if frame.type == ord("R") and _wants_more(frame):
                await self._pass_password()
        self.let_go()

    async def _pass_password(self) -> None:
        """The client's next message goes on as it is: a password is the server's business."""
        self.let_go()
        asked = await self._asked.get()
        assert self._server is not None
        if asked is None:
            raise ConnectionAbortedError
        self._server.write(asked[0].packed)
        self.await_server()

    async def _answer(self, batch: Batch, origin: Origin) -> None:
        learners = [statement for statement in batch.statements if statement.is_learners]
        spans = [(s, self._span("statement", origin, s.text, s.parameters)) for s in learners]
        how: Ending = "failed"
        try:
            how = await self._carry_out(batch, [statement.text for statement in learners])
        finally:
            for statement, span in spans:
                self.relay.stage.recorder.end(span, how, count=statement.rows)

    async def _carry_out(self, batch: Batch, learners: list[str]) -> Ending:
        self._cancel.clear()
        try:
            await self._take_time(learners)
        except Cancelled:
            await self._ask(batch, raising(*CANCELLED))
            return "cancelled"
        except Failed as fault:
            return await self._ask(batch, raising(str(fault), "the scenario lets this fail"))
        return await self._ask(batch, batch.packed)

    async def _take_time(self, learners: list[str]) -> None:
        """Let the time go by that the statements take, or let them come to grief."""
        seconds = self.relay.seconds_of(len(learners))
        faults = [fault for text in learners if (fault := self.relay.fault_of(text))]
        match faults[0].does if faults else "":
            case "stall":
                await self._wait(float("inf"))
            case "drop":
                await self._wait(seconds / 2)
                raise ConnectionAbortedError
            case "fail":
                await self._wait(seconds)
                raise Failed(faults[0].sqlstate)
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

    async def _ask(self, batch: Batch, message: bytes) -> Ending:
        """Send a message in the batch's place, and pass on the answer when it is complete."""
        assert self._server is not None
        if self._skips_to_sync and not batch.is_synced:
            return "failed"  # after an error the server answers nothing but a Sync
        self._skips_to_sync = False
        # One after another: which of two comes first in the server must not be up to chance.
        async with self.relay.one_at_a_time:
            self._server.write(message)
            self.await_server()
            reading = asyncio.ensure_future(self._read_answer(batch))
            await self.relay.server_rests()
        answer = await reading
        self._client.write(b"".join(frame.packed for frame in answer))
        return "failed" if any(frame.type == ord("E") for frame in answer) else "done"

    async def _read_answer(self, batch: Batch) -> list[Frame]:
        try:
            return await self._complete_answer(batch)
        finally:
            self.let_go()
            self.relay.locks.look_again()

    async def _complete_answer(self, batch: Batch) -> list[Frame]:
        answer: list[Frame] = []
        async for frame in self._frames:
            answer.append(frame)
            batch.note(frame)
            if frame.type == ord("Z"):
                self._note_transaction(frame.body)
            elif frame.type == ord("E"):
                self._skips_to_sync = not batch.is_synced
            if batch.is_answered_by(frame):
                return answer
        self._client.write(b"".join(frame.packed for frame in answer))
        raise ConnectionResetError

    # Holding the clock

    def await_server(self) -> None:
        """The server owes an answer; until it is there, time stands still."""
        self.is_pending = True
        self.hold()

    def hold(self) -> None:
        if not self.is_held:
            self.is_held = True
            self.relay.stage.clock.hold()

    def let_go(self, pending: bool = False) -> None:
        """Let time pass: the answer is there, or can come only when time has passed."""
        self.is_pending = pending
        if self.is_held:
            self.is_held = False
            self.relay.stage.clock.release()
            self.relay.changed.set()

    # Writing it down, and the end

    def _origin(self) -> Origin:
        return self.relay.stage.origins.of(self._port)

    def _span(self, kind: SpanKind, origin: Origin, *arguments: Any) -> Open:
        return self.relay.stage.recorder.begin(
            kind,
            self.relay.name,
            resource=self._resource,
            arguments=arguments,
            **origin._asdict(),
        )

    def _note_transaction(self, status: bytes) -> None:
        if status != b"I" and self._transaction is None:
            self._transaction = self._span("transaction", self._origin())
        elif status == b"I" and self._transaction is not None:
            self.relay.stage.recorder.end(self._transaction, "done")
            self._transaction = None

    def _end_spans(self, how: Ending) -> None:
        for span in (self._transaction, self._life):
            if span is not None:
                self.relay.stage.recorder.end(span, how)

    def _check_server(self) -> None:
        """The connection broke off. If that is not the learner's doing, it is ours."""
        try:
            self.relay.check()
        except GraderError as error:
            self.relay.stage.broken = str(error)

    def leave_open(self) -> None:
        """The app is down: a connection that is still there was never closed."""
        self._end_spans("open")
        self.abort()

    def abort(self) -> None:
        if self in self.relay.links:
            self.relay.links.remove(self)
        for end in (self._server, self._client):
            if end is not None and not end.is_closing():
                end.close()


def _wants_more(frame: Frame) -> bool:
    """Whether an authentication message asks for one in return."""
    return struct.unpack_from("!I", frame.body)[0] not in (0, 12)


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[Frame]:
    parser = Parser(first_packet=False)
    while data := await reader.read(65536):
        for frame in parser.feed(data):
            yield frame
