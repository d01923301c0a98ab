"""One request, spoken to the app as a server speaks it, each message with its moment.

What `receive` and `send` do is what uvicorn's do (its `protocols/http/h11_impl.py`): a client
that reads no more makes `send` wait, and what is sent to a client that has left is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ..model.scenarios import Request
from ..model.trace import Exchange, Moment
from .awaited import of_server
from .closing import settle
from .flow import Flow
from .recorder import Recorder, current_exchange
from .response import Message, Response
from .scope import http_scope_of


class Conversation:
    """The client's side of one exchange."""

    def __init__(
        self,
        number: int,
        request: Request,
        sent: Moment,
        recorder: Recorder,
        when_at_rest: Callable[[Callable[[], object]], object],
    ) -> None:
        self._when_at_rest = when_at_rest
        self.number = number
        self.sent = sent
        self.request = request
        self._recorder = recorder
        self._scope = http_scope_of(request, number)
        self._body = b"" if request.pieces else request.body
        self._more = bool(request.pieces)
        self._response = Response(request.method, recorder.moment)
        self._news = asyncio.Event()  # something for the app to receive
        if not request.pieces:
            self._news.set()  # the request itself
        self._flow = Flow(request.buffer, request.reads)
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._facts: dict[str, Any] = {}

    @property
    def _has_left(self) -> bool:
        return "hung_up" in self._facts

    def begin(self) -> None:
        """Let the client do what it does, beside the app."""
        loop = asyncio.get_running_loop()
        for turn, piece in enumerate(self.request.pieces, start=1):
            is_last = turn == len(self.request.pieces)
            if turn == 1:
                self._arrive(piece, is_last)
            else:
                seconds = (turn - 1) * self.request.every
                loop.call_later(seconds, self._arrive, piece, is_last)
        if self.request.hangs_up_at is not None:
            loop.call_later(self.request.hangs_up_at, self.hang_up)

    def _arrive(self, piece: bytes, is_last: bool) -> None:
        """A piece of the body arrives, and is added to what the app has not taken yet."""
        if not self._is_over():
            self._body += piece
            self._more = not is_last
            self._news.set()

    def be_refused(self) -> None:
        """The server takes no connections any more."""
        self._facts["refused"] = self._recorder.moment()
        self._be_answered()

    def _be_answered(self) -> None:
        self._news.set()
        settle(self.answered, None)

    async def receive(self) -> Message:
        if not self._is_over():
            await of_server(self._news.wait())
            self._news.clear()
        if self._is_over():
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": self._more}

    def _is_over(self) -> bool:
        return self._has_left or self._response.completed is not None

    async def send(self, message: Message) -> None:
        if not self._flow.writable.is_set():
            await of_server(self._flow.writable.wait())
        if self._has_left:
            return
        self._response.take(message)
        if self._response.completed is not None:
            self._be_answered()
        elif self._has_enough():
            self._stop_reading()
        self._flow.add(len(message.get("body", b"")))

    def _has_enough(self) -> bool:
        wanted = self.request.hangs_up_after
        return wanted is not None and self._response.lines >= wanted

    def _stop_reading(self) -> None:
        """The client reads no more; it leaves when the app has done what it can do now."""
        self._flow.stop_reading()
        self._when_at_rest(self.hang_up)

    def hang_up(self) -> None:
        """The client leaves, unless it has all it came for.

        The app hears of it first, then a `send` that waits goes on: uvicorn's order.
        """
        if not self._is_over():
            self._facts["hung_up"] = self._recorder.moment()
            self._be_answered()
            self._flow.let_go()

    async def run(self, app: Any, state: dict[str, Any]) -> None:
        """Call the app. What it raises is a fact of the exchange, and goes no further.

        Args:
            state: what its lifespan has left for the requests.
        """
        self._scope["state"] = state.copy()
        current_exchange.set(self.number)
        try:
            await app(self._scope, self.receive, self.send)
        except GeneratorExit:
            raise  # the play is over
        except BaseException as error:
            if self._recorder.comes_of_end(error):
                return
            self._facts["raised"] = self._recorder.failure_of_request(error)
        self._facts["returned"] = self._recorder.moment()
        self._be_answered()

    def exchange(self) -> Exchange:
        """The exchange as far as it went."""
        return Exchange(
            number=self.number,
            method=self.request.method,
            path=self.request.path,
            started=self.sent,
            handled=self._recorder.handled.get(self.number),
            # The router leaves the endpoint that it has chosen in the scope.
            line=self._recorder.lines.of_function(self._scope.get("endpoint")),
            **self._response.facts(),
            **self._facts,
        )
