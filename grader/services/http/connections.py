"""One client's connection to an upstream, in HTTP/1.1: its requests, and their answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import h11

from ...clock.loop import Timer
from ...driver.recorder import Open
from ...model.scenarios import Reply
from ...model.trace import Ending, SpanKind
from ..base.pipe import Pipe
from .replies import Dropped, answer

if TYPE_CHECKING:
    from .server import UpstreamServer


class HttpRequest:
    """A request that is under way."""

    def __init__(self, request: h11.Request, span: Open) -> None:
        self.method = request.method.decode()
        self.target = request.target.decode()
        self.span = span
        self.reply = Reply()
        self.steps: Iterator[bytes | float] = iter(())
        self.note_status(None)

    def __str__(self) -> str:
        return f"{self.method} {self.target}"

    def note_status(self, status: int | None) -> None:
        self.span.facts["arguments"] = (str(self), status)


class HttpConnection:
    """A connection that a client has opened, to its end.

    Args:
        port: the client's own, by which it is known who sends.
    """

    def __init__(self, server: UpstreamServer, sock: socket.socket, port: int) -> None:
        self._server = server
        self._recorder = server.context.recorder
        self._port = port
        self._http = h11.Connection(h11.SERVER)
        self._number = self._recorder.new_resource()
        self._life = self._begin("connection")
        self._is_used = False
        self._asked: HttpRequest | None = None
        self._next: Timer | None = None
        self._pipe = Pipe(server.loop, sock, self._take)

    def step(self) -> bool:
        """Take and send what there is, without the loop; whether there was anything."""
        return self._pipe.step()

    def _begin(self, kind: SpanKind) -> Open:
        return self._recorder.begin(
            kind, self._server.name, resource=self._number, **self._origin()
        )

    def _origin(self) -> dict[str, Any]:
        return self._server.context.origins.of(self._port)._asdict()

    # What the client sends

    def _take(self, data: bytes) -> None:
        if data:
            self._http.receive_data(data)
            self._read()
        else:
            self.end("done", request="cancelled")

    def _read(self) -> None:
        try:
            while not self._pipe.is_closed and self._handle(self._http.next_event()):
                pass
        except h11.RemoteProtocolError:  # whatever it speaks, it is not HTTP
            self.end("failed")

    def _handle(self, event: object) -> bool:
        """Act on what was read; whether there may be more of it."""
        match event:
            case h11.Request():
                self._ask(event)
            case h11.EndOfMessage():
                assert self._asked is not None
                self._answer(self._asked)
        return event is not h11.NEED_DATA and event is not h11.PAUSED

    def _ask(self, request: h11.Request) -> None:
        self._asked = HttpRequest(request, self._begin("request"))
        if not self._is_used:  # a library connects in a task of its own: its first user counts
            self._is_used = True
            self._life.facts.update(self._origin())
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self._pipe.send(self._http.send(go_on) or b"")

    # What it is answered

    def _answer(self, asked: HttpRequest) -> None:
        asked.reply = self._server.reply_to(asked.method, asked.target)
        asked.steps = answer(self._http, asked.method, asked.reply)
        self._play(asked)

    def _play(self, asked: HttpRequest) -> None:
        """Go on with an answer, until it has to wait."""
        try:
            wait = self._send_up_to_wait(asked)
        except (Dropped, h11.LocalProtocolError) as error:
            if str(error):
                self._server.broken(f"{asked} cannot be answered: {error}")
            self.end("failed")
        else:
            if wait:
                self._next = self._server.agenda.after(wait, lambda: self._play_on(asked))
            else:
                self._complete()

    def _send_up_to_wait(self, asked: HttpRequest) -> float:
        """Send what is due now; the seconds until there is more, or zero if that is all."""
        for step in asked.steps:
            if isinstance(step, bytes):
                asked.note_status(asked.reply.status)
                self._pipe.send(step)
            elif step:
                return step
        return 0.0

    def _play_on(self, asked: HttpRequest) -> None:
        self._play(asked)
        self._read()  # the client may have sent its next request already

    def _complete(self) -> None:
        self._end_request("done")
        if self._http.our_state is h11.MUST_CLOSE:
            self._recorder.end(self._life, "done")
            self._pipe.end()
        else:
            self._http.start_next_cycle()

    # Its end

    def end(self, how: Ending, request: Ending | None = None) -> None:
        """The connection is over, and with it (in a way of its own) the request under way."""
        if self._next is not None:
            self._server.agenda.cancel(self._next)
        self._end_request(request or how)
        self._recorder.end(self._life, how)
        self._pipe.close()

    def _end_request(self, how: Ending) -> None:
        if self._asked is not None:
            self._recorder.end(self._asked.span, how)
            self._asked = None
