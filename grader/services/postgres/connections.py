"""One client's connection to a database: the learner's driver here, the server there.

Its spans: a `connection` is `done` when the client closes it, `failed` when it is
lost, and `open` if it was not closed by shutdown; a `transaction` is `done` if it was
committed, and `failed` if it was rolled back.
"""

from __future__ import annotations

import math
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from ...model.trace import Ending
from ..base.connection import ClientConnection
from ..base.context import OpenSpan, Sender
from ..base.faults import BY_SCENARIO
from .pooler import LONGEST_WAIT, WAITED_TOO_LONG, adjust
from .questions import IsEnd, ServerQuestion
from .script import Script, ScriptRunner
from .session import PooledSession, ServerSession
from .startup import refusal_of
from .wire import (
    CANCEL,
    GSS,
    SYNC,
    TLS,
    Batch,
    Batches,
    Frame,
    FrameParser,
    Malformed,
    error,
    is_ready,
)

if TYPE_CHECKING:
    from .relay import PostgresRelay

CANCELLED = "57014", "canceling statement due to user request"
TOO_MANY = "53300", "sorry, too many clients already"
LONGEST_TEXT = 10_000
"""Characters of a statement that a span keeps."""

COMMITTED = ord("C"), b"COMMIT\0"
AUTHENTICATION_IS_OVER = b"\0\0\0\0", b"\0\0\0\x0c"


class Cancelled(Exception):
    """The client has asked for the end of the statement."""


class StatementFailed(Exception):
    """The scenario wants the statement to fail with this SQLSTATE."""


class Over(Exception):
    """The client has gone, or the scenario wants the connection to be lost."""

    def __init__(self, how: Ending) -> None:
        self.how = how


class PostgresConnection(ClientConnection):
    """A connection, from its first packet to its end.

    Attributes:
        session: the connection to the server, once there is one.
        key: the server's process id and secret, as a cancel request names them.
        question: what the server owes an answer to.
        listens: whether notifications are to be passed on.
    """

    def __init__(self, relay: PostgresRelay, sock: socket.socket, port: int) -> None:
        super().__init__(relay, sock, port)
        self._relay = relay
        self._script = ScriptRunner()
        # What the client asks
        self._parser = FrameParser(first_packet=True)
        self._batches = Batches()
        self._asked: deque[tuple[Batch, Sender]] = deque()
        self._is_gone = self._is_cancelled = False
        # What the server answers
        self.session: ServerSession | None = None
        self.key: tuple[int, int] | None = None
        self.question: ServerQuestion | None = None
        self.listens = False
        self._borrowed: PooledSession | None = None
        self._settings: dict[bytes, bytes] = {}
        self._answered: ServerQuestion | None = None
        self._status = b""
        self._skips_to_sync = False
        self._transaction: OpenSpan | None = None

    # What the client sends

    def receive(self, data: bytes) -> None:
        try:
            for frame in self._parser.feed(data):
                self._take(frame)
        except (Malformed, struct.error):
            data = b""
        if not data:
            self.end_spans("done")
            self.pipe.close()
            self._note_gone()

    def _note_gone(self) -> None:
        """The client will say nothing more. What it has asked for is done to the end."""
        self._is_gone = True
        if self._script.has_begun:
            self._script.happened("batch")
        else:
            self.close("done")

    def _take(self, frame: Frame) -> None:
        if frame.type == 0:
            self._take_first(frame)
        elif frame.type == ord("X"):
            self._note_gone()
        elif batch := self._batches.add(frame):
            self._asked.append((batch, self.sender()))
            self._script.happened("batch")

    def _take_first(self, packet: Frame) -> None:
        (code,) = struct.unpack_from("!I", packet.body)
        if code in (TLS, GSS):
            self.pipe.send(b"N")
            self._parser.first_packet = True
        elif code == CANCEL:
            key = struct.unpack_from("!II", packet.body, 4)
            self._relay.pass_cancel(key, packet, partial(self.close, "done"))
        else:
            self._begin(packet)

    def _begin(self, startup: Frame) -> None:
        if refusal := refusal_of(startup, self._relay.server, self._relay.pooler is not None):
            self.pipe.send(error("FATAL", *refusal).packed)
            self.pipe.end()
            return
        fault = self._relay.faults.of_connection()
        if fault is None:
            self.begin_life(self.sender())
            self._script.start(self._serve(startup))
        elif fault.does == "too-many":
            self.pipe.send(error("FATAL", *TOO_MANY).packed)
            self.pipe.end()
        else:
            self.close("failed")

    def cancel(self, in_server: Callable[[], object]) -> None:
        """End what a statement waits for: in the server, and the time that it takes."""
        self._is_cancelled = True
        in_server()
        self._script.happened("time")

    def cancel_in_server(self, packet: Frame) -> None:
        """Pass a cancel request on to the session that it is about."""
        if self._borrowed is not None:
            self._borrowed.cancel()
        else:
            self._relay.send_alone(packet)

    # What is done with it

    def _serve(self, startup: Frame) -> Script[None]:
        try:
            yield from self._log_in(startup)
            while True:
                batch, sender = yield from self._next()
                if not batch.is_copied_data:  # of a COPY that has failed: the server ignores it
                    yield from self._borrow_session()
                    yield from self._answer(batch, sender)
                    self._give_session_back()
        except Over as over:
            self.end_spans(over.how)
        except OSError:
            self.end_spans("failed")
            self._relay.note_loss(self.session)
        self._leave()

    def _next(self) -> Script[tuple[Batch, Sender]]:
        while not self._asked:
            if self._is_gone:
                raise Over("done")
            yield "batch"
        return self._asked.popleft()

    def _log_in(self, startup: Frame) -> Script[None]:
        """Let the client log in at the server by itself, up to the first ReadyForQuery."""
        yield from self._wait(self._relay.description.round_trip)
        message = startup.packed[1:]
        while True:
            answer = yield from self._ask(message, _ends_login_step)
            self._pass_on([_without_tls(frame) for frame in answer])
            for frame in answer:
                if frame.type == ord("K"):
                    self.key = struct.unpack_from("!II", frame.body)
            if self._status:
                self._leave_to_pooler()
                return
            batch, _ = yield from self._next()  # a password, which is the server's business
            message = batch.packed

    # Where a pooler has the sessions

    def _leave_to_pooler(self) -> None:
        """The server has let the client in. What that asks is done in sessions of the pooler."""
        if self._relay.pooler is not None and self.session is not None:
            self._settings = dict(self.session.settings)
            self.session.leave()
            self.session = None

    def _borrow_session(self) -> Script[None]:
        """Get a session for a transaction, if there is none yet."""
        pooler = self._relay.pooler
        now = self._relay.context.loop.time
        limit = now() + LONGEST_WAIT
        while pooler is not None and self.session is None:
            session = pooler.take()
            if session is not None:
                self.session = self._borrowed = session
                adjust(session, self._settings)
                break
            if now() >= limit:
                self.pipe.send(error("FATAL", *WAITED_TOO_LONG).packed)
                raise Over("failed")
            pooler.wait(partial(self._script.happened, "session"))
            self.after(limit - now(), partial(self._script.happened, "session"))
            yield "session"
            self.cancel_timer()

    def _give_session_back(self) -> None:
        """The client's transaction is over, and with it the time of its session."""
        if self._borrowed is not None and self._status == b"I":
            session, self.session, self._borrowed = self._borrowed, None, None
            self._settings = dict(session.settings)
            if self._relay.pooler is not None:
                self._relay.pooler.give_back(session)

    # Batches

    def _answer(self, batch: Batch, sender: Sender) -> Script[None]:
        learners = [statement for statement in batch.statements if statement.is_learners]
        self.listens |= any(statement.listens for statement in learners)
        spans = [
            (s, self.begin("statement", sender, s.text[:LONGEST_TEXT], s.parameters))
            for s in learners
        ]
        how: Ending = "failed"
        try:
            how = yield from self._carry_out(batch)
        finally:
            for statement, span in spans:
                self.recorder.end(span, how, count=statement.rows, times=statement.times)

    def _carry_out(self, batch: Batch) -> Script[Ending]:
        self._is_cancelled = False
        if self._skips_to_sync:
            return (yield from self._skip(batch))
        how = yield from self._take_time_and_ask(batch, batch)
        while batch.wants_data:
            data, _ = yield from self._next()
            how = yield from self._take_time_and_ask(data, batch)
        self._relay.pass_notifications()
        return "cancelled" if how == "failed" and self._is_cancelled else how

    def _skip(self, batch: Batch) -> Script[Ending]:
        """After an error the server takes up nothing but a Sync."""
        if batch.is_synced:
            self._skips_to_sync = False
            self._pass_on((yield from self._ask(batch.packed, batch.take)))
        return "failed"

    def _take_time_and_ask(self, batch: Batch, about: Batch) -> Script[Ending]:
        """Let the server carry out a batch, or fail; how that ended.

        Args:
            about: the batch that the answer is about, which differs for the data of a COPY.
        """
        try:
            yield from self._take_time(batch)
        except Cancelled:
            return (yield from self._fail(batch, about, *CANCELLED))
        except StatementFailed as fault:
            return (yield from self._fail(batch, about, str(fault), BY_SCENARIO))
        if not batch.expects_answer:
            self._send(batch.packed)
            return "done"
        return self._pass_on((yield from self._ask(batch.packed, about.take)))

    def _fail(self, batch: Batch, about: Batch, sqlstate: str, text: str) -> Script[Ending]:
        failing = batch.in_error(sqlstate, text)
        is_end = failing.take if about is batch else about.take
        answer = yield from self._ask(failing.packed, is_end)
        if not about.is_synced:
            answer.pop()  # ReadyForQuery is for the Sync that is to come
        return self._pass_on(answer)

    def _pass_on(self, answer: Sequence[Frame]) -> Ending:
        """Give the client an answer; how the statements ended that it is about."""
        self.pipe.send(b"".join(frame.packed for frame in answer))
        is_error = any(frame.type == ord("E") for frame in answer)
        if answer and is_ready(answer[-1]):
            self._status = answer[-1].body
            self._note_transaction(answer)
        elif is_error:
            self._skips_to_sync = True
        return "failed" if is_error else "done"

    def _take_time(self, batch: Batch) -> Script[None]:
        """Let the time go by that the statements take, or let them come to grief."""
        seconds = self._relay.seconds_of(batch)
        fault = self._relay.fault_of(batch)
        match fault.does if fault else "":
            case "stall":
                yield from self._wait(math.inf)
            case "drop":
                yield from self._wait(seconds / 2)
                raise Over("failed")
            case "fail" if fault:
                yield from self._wait(seconds)
                raise StatementFailed(fault.sqlstate)
            case _:
                yield from self._wait(seconds)

    def _wait(self, seconds: float) -> Script[None]:
        """Let virtual time pass, unless the client cancels."""
        if not seconds:
            return
        if not self._is_cancelled:
            if math.isfinite(seconds):
                self.after(seconds, partial(self._script.happened, "time"))
            yield "time"
            self.cancel_timer()
        if self._is_cancelled:
            raise Cancelled

    # What the server says

    def _ask(self, message: bytes, is_end: IsEnd) -> Script[list[Frame]]:
        """Send the server something; its answer, up to the message that `is_end`."""
        self._relay.turns.add(partial(self._say, message, is_end))
        while self._answered is None:
            yield "answer"
        answered, self._answered = self._answered, None
        if answered.error is not None:
            self._pass_on(answered.answer)  # it is all that the client will ever get
            raise answered.error
        return answered.answer

    def _say(self, message: bytes, is_end: IsEnd) -> bool:
        self.question = ServerQuestion(is_end)
        try:
            self._send(message)
        except OSError as error:
            self.question.lose(error)
        self._relay.settle()
        return False

    def _send(self, message: bytes) -> None:
        self._status = b""
        if self.session is None:
            self.session = self._relay.begin_session(message)
        else:
            self.session.send(message)

    def give_answer(self) -> bool:
        """Let the client have what the server has answered."""
        self._answered, self.question = self.question, None
        self._script.happened("answer")
        return True

    def hear_notifications(self) -> bool:
        """Have an idle server say now what it would say by itself a little later."""
        if self._status != b"I" or self.session is None:
            return False
        said = ServerQuestion(is_ready)
        with suppress(OSError):
            self.session.send(SYNC)
        while not said.is_over:
            said.hear(self.session)
        news = [frame for frame in said.answer if not is_ready(frame)]
        self.pipe.send(b"".join(frame.packed for frame in news))
        if said.error is not None:  # another session has ended this one
            self.be_cut()
        return bool(news)

    # Writing it down, and the end

    def _note_transaction(self, answer: Sequence[Frame]) -> None:
        is_over = self._status == b"I"
        if not is_over and self._transaction is None:
            self._transaction = self.begin("transaction", self.sender())
        elif is_over and self._transaction is not None:
            is_committed = any((frame.type, frame.body) == COMMITTED for frame in answer)
            self.recorder.end(self._transaction, "done" if is_committed else "failed")
            self._transaction = None

    def end_spans(self, how: Ending) -> None:
        if self._transaction is not None:
            self.recorder.end(self._transaction, "open" if how == "open" else "failed")
        super().end_spans(how)

    def be_cut(self) -> None:
        """The server hangs up, whatever it was doing for the client."""
        self.cancel_timer()
        self.end_spans("failed")
        self._script.stop()
        self.question = None
        self._leave()

    def _leave(self) -> None:
        """Leave the server, which frees the connection's locks when it hangs up."""
        self.pipe.end()
        if self.session is None:
            self.forget()
        else:
            self._relay.turns.add(self._hang_up)

    def _hang_up(self) -> bool:
        if self.session is not None:
            self.session.leave()
        self.forget()
        self._relay.settle_locks()
        return False

    def forget(self) -> None:
        super().forget()
        self._script.stop()
        self.question = None
        if self.session is not None:
            self.session.close()
        if self._borrowed is not None and self._relay.pooler is not None:
            self._relay.pooler.drop(self._borrowed)
            self._borrowed = None


def _ends_login_step(frame: Frame) -> bool:
    """Whether it is the client's turn: it is logged in, or asked for a password."""
    asks = frame.type == ord("R") and frame.body[:4] not in AUTHENTICATION_IS_OVER
    return asks or is_ready(frame)


def _without_tls(frame: Frame) -> Frame:
    """Without an offer that the client cannot take up: between it and the relay is no TLS."""
    offer = b"SCRAM-SHA-256-PLUS\0"
    if frame.type == ord("R") and offer in frame.body:
        return Frame(frame.type, frame.body.replace(offer, b""))
    return frame
