"""One client's connection to an upstream, in HTTP/1.1: its requests, and their answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h11

from ...model.scenarios import Reply
from ...model.trace import Ending
from ..base.connection import ClientConnection, facts_of
from ..base.context import OpenSpan
from .replies import Dropped, answer

if TYPE_CHECKING:
    from .server import UpstreamServer


class HttpRequest:
    """A request that is under way."""

    def __init__(self, request: h11.Request, span: OpenSpan) -> None:
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


class HttpConnection(ClientConnection):
    """A connection that a client has opened, to its end."""

    def __init__(self, server: UpstreamServer, sock: socket.socket, port: int) -> None:
        super().__init__(server, sock, port)
        self._server = server
        self._http = h11.Connection(h11.SERVER)
        self._opened = self.begin_life(self.sender())
        self._is_used = False
        self._asked: HttpRequest | None = None
        self._be_idle()

    def _be_idle(self) -> None:
        if self._server.keep_alive is not None:
            self.after(self._server.keep_alive, lambda: self.close("done"))

    # What the client sends

    def receive(self, data: bytes) -> None:
        if data:
            self._http.receive_data(data)
            self._read()
        else:
            self._end_request("cancelled")
            self.close("done")

    def _read(self) -> None:
        try:
            while not self.pipe.is_closed and self._handle(self._http.next_event()):
                pass
        except h11.RemoteProtocolError:  # whatever it speaks, it is not HTTP
            self.close("failed")

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
        self.cancel_timer()
        self._asked = HttpRequest(request, self.begin("request", self.sender()))
        if not self._is_used:  # a library connects in a task of its own, so its first user counts
            self._is_used = True
            self._opened.facts.update(facts_of(self.sender()))
        if self._http.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[])
            self.pipe.send(self._http.send(go_on) or b"")

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
                self._server.fail(f"{self._server.name}: {asked} cannot be answered: {error}")
            self.close("failed")
        else:
            if wait:
                self.after(wait, lambda: self._play_on(asked))
            else:
                self._complete()

    def _send_up_to_wait(self, asked: HttpRequest) -> float:
        """Send what is due now; the seconds until there is more, or zero if that is all."""
        for step in asked.steps:
            if isinstance(step, bytes):
                asked.note_status(asked.reply.status)
                self.pipe.send(step)
            elif step:
                return step
        return 0.0

    def _play_on(self, asked: HttpRequest) -> None:
        self._play(asked)
        self._read()  # the client may have sent its next request already

    def _complete(self) -> None:
        self._end_request("done")
        if self._http.our_state is h11.MUST_CLOSE:
            self.end_spans("done")
            self.pipe.end()
        else:
            self._http.start_next_cycle()
            self._be_idle()

    # Its end

    def end_spans(self, how: Ending) -> None:
        self._end_request(how)
        super().end_spans(how)

    def _end_request(self, how: Ending) -> None:
        if self._asked is not None:
            self.recorder.end(self._asked.span, how)
            self._asked = None
