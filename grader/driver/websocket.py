"""One WebSocket, spoken to the app as a server speaks it, each message with its moment.

What `receive` and `send` do, and the codes that connections end with, are uvicorn's (its
`protocols/websockets/websockets_sansio_impl.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

from ..model.trace import Chunk, Closing, Exchange, Moment, SocketMessage
from ..model.websockets import ABNORMAL, GOING_DOWN, NORMAL, Leave, Say, WebSocket
from .awaited import of_server
from .closing import settle
from .flow import Flow
from .recorder import Recorder, current_exchange
from .response import Message, headers_of
from .scope import websocket_scope_of

NO_CODE = 1005
"""The code that the app is given when a connection was lost, or closed without a code."""

UNANSWERED, PING_FOR = 1011, 40.0
"""The code for a connection on which no ping is answered, and the seconds until then: uvicorn
pings every 20 s, and waits for another 20 s."""

Side = Literal["client", "server"]

FORBIDDEN, SWITCHING, SERVER_ERROR = 403, 101, 500


class ClientDisconnected(OSError):
    """The app sends to a client that has left."""


class WebSocketConversation:
    """The client's side of one WebSocket.

    Attributes:
        acted: has a result when the client has done all that it does.
        answered: the same, as of an exchange.
    """

    def __init__(
        self,
        number: int,
        request: WebSocket,
        sent: Moment,
        recorder: Recorder,
    ) -> None:
        self.number = number
        self.sent = sent
        self.request = request
        self._recorder = recorder
        self._scope = websocket_scope_of(request, number)
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._flow = Flow(request.buffer, request.reads)
        self._messages: list[SocketMessage] = []
        self._chunks: list[Chunk] = []
        self._received = 0
        self._news = asyncio.Event()  # something that the client may have waited for
        loop = asyncio.get_running_loop()
        self.acted: asyncio.Future[None] = loop.create_future()
        self.answered = self.acted
        self._facts: dict[str, Any] = {}
        self._is_refusing = False
        self._is_over = False
        self._client_is_gone = False

    # The app's side

    async def receive(self) -> Message:
        message: Message = await of_server(self._to_app.get())
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.close" and self._is_open:
            line = self._recorder.line_of_call()
            self._note_closing(
                "server", message.get("code", NORMAL), message.get("reason") or "", line
            )
        if not self._flow.writable.is_set():
            await of_server(self._flow.writable.wait())
        if self._client_is_gone:
            raise ClientDisconnected
        if self._is_refusing:
            self._go_on_refusing(message)
        elif "status" not in self._facts:
            self._answer(message)
        elif self._is_over:
            raise RuntimeError(
                f"Unexpected ASGI message '{message['type']}', after sending 'websocket.close'."
            )
        else:
            self._go_on(message)

    @property
    def _is_open(self) -> bool:
        return self._facts.get("status") == SWITCHING and not self._is_over

    def _answer(self, message: Message) -> None:
        """The app accepts the connection, or refuses it."""
        match message["type"]:
            case "websocket.accept":
                self._facts |= {"subprotocol": message.get("subprotocol")}
                self._begin_response(SWITCHING, message)
                if self.request.reads == 0:
                    asyncio.get_running_loop().call_later(PING_FOR, self._miss_pong)
            case "websocket.close":
                self._refuse(FORBIDDEN)
            case "websocket.http.response.start":
                self._is_refusing = True
                self._begin_response(int(message["status"]), message)
            case other:
                raise RuntimeError(
                    "Expected ASGI message 'websocket.accept', 'websocket.close' "
                    f"or 'websocket.http.response.start' but got '{other}'."
                )

    def _begin_response(self, status: int, message: Message) -> None:
        responded = self._recorder.moment()
        self._facts |= {"status": status, "headers": headers_of(message), "responded": responded}
        self._news.set()

    def _refuse(self, status: int) -> None:
        now = self._recorder.moment()
        self._facts |= {"status": status, "responded": now, "completed": now}
        self._put_disconnect(ABNORMAL)
        self._finish_steps()

    def _go_on_refusing(self, message: Message) -> None:
        """The body of an HTTP response in the place of a WebSocket."""
        if message["type"] != "websocket.http.response.body" or "completed" in self._facts:
            raise RuntimeError(
                f"Expected ASGI message 'websocket.http.response.body' but got '{message['type']}'."
            )
        if body := bytes(message.get("body", b"")):
            self._chunks.append(Chunk(self._recorder.moment(), body))
        if not message.get("more_body", False):
            self._facts["completed"] = self._recorder.moment()
            self._put_disconnect(ABNORMAL)
            self._finish_steps()

    def _go_on(self, message: Message) -> None:
        match message["type"]:
            case "websocket.send":
                line = self._recorder.line_of_call()
                self._note("server", message.get("text"), message.get("bytes"), line)
                size = len(message.get("bytes") or (message.get("text") or "").encode())
                self._flow.add(size, self._has_read_one)
            case "websocket.close":
                self._put_disconnect(message.get("code", NORMAL), message.get("reason") or "")
                self._finish_steps()
            case other:
                raise RuntimeError(
                    "Expected ASGI message 'websocket.send' or 'websocket.close', "
                    f"but got '{other}'."
                )

    def _note(
        self, by: Side, text: str | None, body: bytes | None, line: int | None = None
    ) -> None:
        message = SocketMessage(
            at=self._recorder.moment(),
            by=by,
            text=text if body is None else None,
            body=body or b"",
            line=line,
        )
        self._messages.append(message)

    def _put_disconnect(self, code: int, reason: str = "") -> None:
        """Let the app hear of the end, after all that was said before."""
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    def _note_closing(self, by: Side, code: int, reason: str = "", line: int | None = None) -> None:
        """Write down who has closed it first, though the other side may hear of it later."""
        if "closing" not in self._facts:
            now = self._recorder.moment()
            closing = Closing(at=now, by=by, code=code, reason=reason, line=line)
            self._facts |= {"closing": closing, "completed": now}

    def _finish_steps(self) -> None:
        self._is_over = True
        self._news.set()

    def be_refused(self) -> None:
        """The server takes no connections any more."""
        self._facts["refused"] = self._recorder.moment()
        self._finish_steps()
        self._finish_acting()

    def be_stopped(self) -> None:
        """The server stops, and closes the connection."""
        if self._is_open:
            self._note_closing("server", GOING_DOWN)
            self._put_disconnect(GOING_DOWN)
            self._lose()

    # The client's side

    def begin(self) -> None:
        """Let the client do what it does, beside the app."""
        acting = asyncio.Task(self._act(), loop=asyncio.get_running_loop())  # not the app's
        acting.add_done_callback(lambda _: self._finish_acting())

    def _finish_acting(self) -> None:
        settle(self.acted, None)

    async def _act(self) -> None:
        """Do it step by step, until the connection is over."""
        for step in self.request.steps:
            if not await self._moment_of(step):
                return
            if isinstance(step, Leave):
                self._leave(step)
            else:
                self._say(step)

    async def _moment_of(self, step: Say | Leave) -> bool:
        """Wait until it is time for a step; whether the connection is still there then."""
        if isinstance(step, Leave) and step.at is not None:
            pass  # a client may also leave before it was let in
        elif not await self._until(lambda: "status" in self._facts):
            return False
        if step.after is not None:
            wanted = step.after
            if not await self._until(lambda: self._received >= wanted):
                return False
        if step.at is not None:
            delay = self.sent.seconds + step.at - asyncio.get_running_loop().time()
            if delay > 0:
                await asyncio.sleep(delay)
        return not self._is_over

    async def _until(self, holds: Callable[[], bool]) -> bool:
        while not holds():
            if self._is_over:
                return False
            self._news.clear()
            await self._news.wait()
        return True

    def _has_read_one(self) -> None:
        self._received += 1
        self._news.set()

    def _say(self, step: Say) -> None:
        body = None if step.text is not None else step.body
        self._note("client", step.text, body)
        said = {"bytes": step.body} if step.text is None else {"text": step.text}
        self._to_app.put_nowait({"type": "websocket.receive", **said})

    def _leave(self, step: Leave) -> None:
        """Close with a code, or be gone; the app hears of both, and can send no more."""
        self._note_closing("client", ABNORMAL if step.code is None else step.code, step.reason)
        if step.code is not None:
            self._put_disconnect(step.code, step.reason)
        self._facts["hung_up"] = self._recorder.moment()
        self._lose()

    def _lose(self) -> None:
        """The connection is gone."""
        self._put_disconnect(NO_CODE if "status" in self._facts else ABNORMAL)
        self._client_is_gone = True
        self._flow.let_go()
        self._finish_steps()

    def _miss_pong(self) -> None:
        """A client that reads nothing answers no ping either: the server gives it up."""
        if not self._is_over:
            self._note_closing("server", UNANSWERED, "keepalive ping timeout")
            self._lose()

    # All of it

    async def run(self, app: Any, state: dict[str, Any]) -> None:
        """Call the app. What it raises is a fact of the exchange, and goes no further.

        Args:
            state: what its lifespan has left for the requests.
        """
        self._scope["state"] = state.copy()
        current_exchange.set(self.number)
        self._to_app.put_nowait({"type": "websocket.connect"})
        try:
            await app(self._scope, self.receive, self.send)
        except GeneratorExit:
            raise  # the play is over
        except ClientDisconnected:
            pass  # a server expects it
        except BaseException as error:
            if self._recorder.comes_of_end(error):
                return
            self._facts["raised"] = self._recorder.failure_of_request(error)
        self._facts["returned"] = self._recorder.moment()
        self._end()

    def _end(self) -> None:
        """The app is done. What it has left open ends without a word."""
        if "status" not in self._facts:
            self._refuse(SERVER_ERROR)
        elif not self._is_over:
            self._note_closing("server", ABNORMAL)
            self._finish_steps()
        self._flow.let_go()

    def exchange(self) -> Exchange:
        """The exchange as far as it went."""
        return Exchange(
            number=self.number,
            method="WEBSOCKET",
            path=self.request.path,
            started=self.sent,
            handled=self._recorder.handled.get(self.number),
            line=self._recorder.lines.of_function(self._scope.get("endpoint")),
            messages=tuple(self._messages),
            chunks=tuple(self._chunks),
            **self._facts,
        )
