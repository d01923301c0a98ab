"""One request, spoken to the app as a server speaks it, each message with its moment.

The scope, and what `receive` and `send` do after a hang-up, are uvicorn's (its
`protocols/http/h11_impl.py`): a message sent to a client that has left is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from ..model.scenarios import Request
from ..model.trace import Chunk, Exchange, Moment
from .recorder import Recorder, current_exchange

Message = MutableMapping[str, Any]


class Conversation:
    """The client's side of one exchange."""

    def __init__(
        self,
        number: int,
        request: Request,
        sent: Moment,
        state: dict[str, Any],
        recorder: Recorder,
        when_at_rest: Callable[[Callable[[], object]], object],
    ) -> None:
        self._when_at_rest = when_at_rest
        self.number = number
        self.sent = sent
        self.request = request
        self._state = state
        self._recorder = recorder
        self._body_taken = False
        self._gone = asyncio.Event()
        self._chunks: list[Chunk] = []
        self._facts: dict[str, Any] = {}
        self._asked: dict[str, Any] = {}

    def scope(self) -> dict[str, Any]:
        request = self.request
        headers = {"host": "testserver", **dict(request.headers)}
        if request.body:
            headers.setdefault("content-length", str(len(request.body)))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": request.query.encode(),
            "root_path": "",
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()
            ],
            "client": ("127.0.0.1", 50_000 + self.number % 10_000),
            "server": ("testserver", 80),
            "state": self._state.copy(),
        }

    async def receive(self) -> Message:
        if not self._body_taken:
            self._body_taken = True
            return {"type": "http.request", "body": self.request.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if "hung_up" in self._facts:
            return
        if message["type"] == "http.response.start":
            self._start(message)
        elif message["type"] == "http.response.body":
            self._continue(message)

    def _start(self, message: Message) -> None:
        if "status" in self._facts:
            raise RuntimeError("the response has already started")
        self._facts["status"] = int(message["status"])
        self._facts["headers"] = tuple(
            (key.decode("latin-1").lower(), value.decode("latin-1"))
            for key, value in message.get("headers", ())
        )
        self._facts["responded"] = self._recorder.moment()

    def _continue(self, message: Message) -> None:
        if "status" not in self._facts:
            raise RuntimeError("a body was sent before the response had started")
        if "completed" in self._facts:
            raise RuntimeError("a body was sent after the response was complete")
        if body := bytes(message.get("body", b"")):
            self._chunks.append(Chunk(self._recorder.moment(), body))
        if not message.get("more_body", False):
            self._facts["completed"] = self._recorder.moment()
            self._gone.set()
        elif self._has_enough():
            self._when_at_rest(self.hang_up)

    def _has_enough(self) -> bool:
        wanted = self.request.hangs_up_after
        return wanted is not None and sum(c.body.count(b"\n") for c in self._chunks) >= wanted

    def hang_up(self) -> None:
        """The client leaves, unless it has all it came for."""
        if "completed" not in self._facts and "hung_up" not in self._facts:
            self._facts["hung_up"] = self._recorder.moment()
            self._gone.set()

    async def run(self, app: Any) -> None:
        """Call the app. What it raises is a fact of the exchange, and goes no further."""
        current_exchange.set(self.number)
        try:
            self._asked = self.scope()
            await app(self._asked, self.receive, self.send)
        except GeneratorExit:
            raise  # the play is over
        except BaseException as error:
            self._facts["raised"] = self._recorder.failure(error)
        self._facts["returned"] = self._recorder.moment()
        self._gone.set()

    def exchange(self) -> Exchange:
        """The exchange as far as it went."""
        return Exchange(
            number=self.number,
            method=self.request.method,
            path=self.request.path,
            started=self.sent,
            chunks=tuple(self._chunks),
            handled=self._recorder.handled.get(self.number),
            # The router leaves the endpoint that it has chosen in the scope.
            line=self._recorder.lines.of_function(self._asked.get("endpoint")),
            **self._facts,
        )
