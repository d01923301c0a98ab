"""One client's connection to a database: the learner's driver here, the server there."""

from __future__ import annotations

import socket
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from ...model.scenarios import Fault
from ...model.trace import Ending, Moment
from ..base.connection import ClientConnection
from ..base.context import OpenSpan, Sender
from ..base.faults import BY_SCENARIO
from .databases import ServerConnection
from .quirks import DRIVERS_OWN, as_of_stand_alone, failure, name_of, refusal
from .wire import Document, Message, MessageParser, answer

if TYPE_CHECKING:
    from .relay import MongoRelay


class MongoConnection(ClientConnection):
    """A connection, from the client's first message to its end."""

    def __init__(self, relay: MongoRelay, sock: socket.socket, port: int) -> None:
        super().__init__(relay, sock, port)
        self._relay = relay
        self._parser = MessageParser()
        self._line: deque[tuple[Message, Sender]] = deque()
        self._server: ServerConnection | None = None
        self._is_busy = False
        self._statement: OpenSpan | None = None
        self._opened: tuple[Moment, Sender] | None = None

    # One command after another

    def receive(self, data: bytes) -> None:
        if not data:
            self._end_statement("cancelled")
            self.close("done")
        for message in self._parser.feed(data):
            self._line.append((message, self.sender()))
        self._take_next()

    def _take_next(self) -> None:
        if self._is_busy or self.pipe.is_closed or not self._line:
            return
        message, sender = self._line.popleft()
        if self._opened is None:
            self._opened = self.recorder.moment(), sender
        self._is_busy = True
        if name_of(message.document) in DRIVERS_OWN:
            self.after(self._relay.description.round_trip, partial(self._carry_out, message))
        else:
            self._begin_statement(message, sender)

    def _begin_statement(self, message: Message, sender: Sender) -> None:
        self._note_connection()
        text = text_of(message.document)
        self._statement = self.begin("statement", sender, text, size_of(message))
        seconds = self._relay.description.round_trip + self._relay.description.command
        match self._relay.faults.of_statement(text):
            case Fault(does="stall"):
                pass  # busy for ever
            case Fault(does="drop"):
                self.after(seconds / 2, self.be_cut)
            case Fault(code=code):
                self.after(seconds, partial(self._fail, message, code))
            case None:
                self.after(seconds, partial(self._carry_out, message))

    def be_cut(self) -> None:
        """The server hangs up, whatever it was doing for the client."""
        self._end_statement("failed")
        self.close("failed")

    def _fail(self, message: Message, code: int) -> None:
        self._answer(message, answer(message, failure(code, BY_SCENARIO)))

    def _carry_out(self, message: Message) -> None:
        """Have the server do it. Time stands still meanwhile, for the loop does."""
        if refused := refusal(message.document):
            self._answer(message, answer(message, refused))
            return
        try:
            reply = self._ask(message.answered_once())
        except Exception as error:  # whatever this is, it isn't the learner's doing
            self.be_cut()
            self._relay.lose_server(error)
        else:
            self._answer(message, as_of_stand_alone(message.document, reply))

    def _ask(self, message: Message) -> Message:
        if self._server is None:
            self._server = self._relay.connect()
        return self._server.ask(message)

    def _answer(self, message: Message, reply: Message) -> None:
        said = reply.document
        failed = not said.get("ok") or "writeErrors" in said
        self._end_statement("failed" if failed else "done", count_of(said))
        if message.wants_answer:
            self.pipe.send(reply.packed)
        self._is_busy = False
        self._take_next()

    # Writing it down, and the end

    def _note_connection(self) -> None:
        """Record the connection, from its opening on, when it is used for the first time.
        Over others, drivers only watch the server.
        """
        if self.life is None and self._opened is not None:
            opened, sender = self._opened
            self.begin_life(sender).start = opened

    def _end_statement(self, how: Ending, count: int = 0) -> None:
        if self._statement is not None:
            self.recorder.end(self._statement, how, count=count)
            self._statement = None

    def close(self, how: Ending) -> None:
        super().close(how)
        if self._server is not None:
            self._server.close()


def text_of(command: Document) -> str:
    """A command as a reader would name it, such as `find users`."""
    name = name_of(command)
    about = command.get("collection") if name == "getMore" else command[name]
    return f"{name} {about}" if isinstance(about, str) else name


def size_of(message: Message) -> int:
    """How many documents a command brings, or how many conditions or stages it has."""
    fields = ("documents", "updates", "deletes", "filter", "query", "pipeline")
    parts = (message.document.get(field) for field in fields)
    return next((len(part) for part in parts if part is not None), 0) + message.documents()


def count_of(document: Document) -> int:
    """How many documents an answer holds, or reports as written."""
    if cursor := document.get("cursor"):
        return len(cursor.get("firstBatch", cursor.get("nextBatch", ())))
    if "value" in document:
        return int(document["value"] is not None)
    return len(document["values"]) if "values" in document else int(document.get("n", 0))
