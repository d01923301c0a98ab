"""One client's connection to a database: the learner's driver here, the server there."""

from __future__ import annotations

import socket
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from ...clock.loop import Timer
from ...driver.origins import Origin
from ...driver.recorder import Open
from ...model.scenarios import Fault
from ...model.trace import Ending, Moment, SpanKind
from ..base.pipe import Pipe
from .databases import ServerConnection
from .quirks import DRIVERS_OWN, as_of_stand_alone, failure, name_of, refusal
from .wire import Document, Message, MessageParser, answer

if TYPE_CHECKING:
    from .relay import MongoRelay

Asked = tuple[Message, Origin]


class MongoConnection:
    """A connection, from the client's first message to its end."""

    def __init__(self, relay: MongoRelay, sock: socket.socket, port: int) -> None:
        self._relay = relay
        self._port = port
        self._recorder = relay.context.recorder
        self._pipe = Pipe(relay.context.loop, sock, self._receive)
        self._parser = MessageParser()
        self._line: deque[Asked] = deque()
        self._server: ServerConnection | None = None
        self._is_busy = False
        self._timer: Timer | None = None
        self._statement: Open | None = None
        self._opened: tuple[Moment, Origin] | None = None
        self._life: Open | None = None

    def step(self) -> bool:
        """Take and send what there is, without the loop; whether there was anything."""
        return self._pipe.step()

    # One command after another

    def _receive(self, data: bytes) -> None:
        if not data:
            self._end_statement("cancelled")
            self.close("done")
        for message in self._parser.feed(data):
            self._line.append((message, self._relay.context.origins.of(self._port)))
        self._take_next()

    def _take_next(self) -> None:
        if self._is_busy or self._pipe.is_closed or not self._line:
            return
        message, origin = self._line.popleft()
        if self._opened is None:
            self._opened = self._recorder.moment(), origin
        self._is_busy = True
        if name_of(message.document) in DRIVERS_OWN:
            self._after(self._relay.description.round_trip, partial(self._carry_out, message))
        else:
            self._begin_statement(message, origin)

    def _begin_statement(self, message: Message, origin: Origin) -> None:
        self._note_connection()
        text = text_of(message.document)
        self._statement = self._span("statement", origin, text, size_of(message))
        seconds = self._relay.description.round_trip + self._relay.description.command
        match self._relay.faults.of_statement(text):
            case Fault(does="stall"):
                pass  # busy for ever
            case Fault(does="drop"):
                self._after(seconds / 2, self._drop)
            case Fault(code=code):
                self._after(seconds, partial(self._fail, message, code))
            case None:
                self._after(seconds, partial(self._carry_out, message))

    def _after(self, seconds: float, action: Any) -> None:
        self._timer = self._relay.agenda.after(seconds, action)

    def _drop(self) -> None:
        self._end_statement("failed")
        self.close("failed")

    def _fail(self, message: Message, code: int) -> None:
        self._answer(message, answer(message, failure(code, "the scenario lets this fail")))

    def _carry_out(self, message: Message) -> None:
        """Have the server do it. Time stands still meanwhile, for the loop does."""
        if refused := refusal(message.document):
            self._answer(message, answer(message, refused))
            return
        try:
            reply = self._ask(message.answered_once())
        except Exception as error:  # whatever it is, it is not the learner's doing
            self._drop()
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
            self._pipe.send(reply.packed)
        self._is_busy = False
        self._take_next()

    # Writing it down, and the end

    def _note_connection(self) -> None:
        """Record the connection, from its opening on, when it is used for the first time.
        Over others, drivers only watch the server.
        """
        if self._life is None and self._opened is not None:
            opened, origin = self._opened
            self._life = self._span("connection", origin)
            self._life.facts["resource"] = self._recorder.new_resource()
            self._life.start = opened

    def _span(self, kind: SpanKind, origin: Origin, *arguments: Any) -> Open:
        resource = self._life.facts["resource"] if self._life is not None else None
        return self._recorder.begin(
            kind, self._relay.name, resource=resource, arguments=arguments, **origin._asdict()
        )

    def _end_statement(self, how: Ending, count: int = 0) -> None:
        if self._statement is not None:
            self._recorder.end(self._statement, how, count=count)
            self._statement = None

    def close(self, how: Ending) -> None:
        """Close both ends.

        Args:
            how: `done` if the client has closed it, `open` if it has not.
        """
        if self._timer is not None:
            self._relay.agenda.cancel(self._timer)
        if self._life is not None:
            self._recorder.end(self._life, how)
        self._pipe.close()
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
    """How many documents an answer holds, or tells of as written."""
    if cursor := document.get("cursor"):
        return len(cursor.get("firstBatch", cursor.get("nextBatch", ())))
    if "value" in document:
        return int(document["value"] is not None)
    return len(document["values"]) if "values" in document else int(document.get("n", 0))
