"""WebSockets in a play: what both sides say, when, and how it ends; held against uvicorn."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from grader import Exchange, leave, play, say, scenario, websocket
from grader.model.errors import UsageError
from grader.model.scenarios import Leave, Say, Scenario
from grader.model.trace import encode

Endpoint = Callable[[WebSocket], Any]


def app_of(endpoint: Endpoint) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        await endpoint(socket)

    return app


def only(app: FastAPI, *steps: Say | Leave, **options: Any) -> Exchange:
    trace = play(app, websocket("/ws", *steps, **options))
    assert trace.outcome.kind == "finished", trace.outcome
    return trace.exchanges[0]


def talk(exchange: Exchange) -> list[tuple[float, str, Any]]:
    return [
        (message.at.seconds, message.by, message.body if message.text is None else message.text)
        for message in exchange.messages
    ]


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_text("you said " + await socket.receive_text())


def test_each_message_has_its_moment_and_its_side() -> None:
    exchange = only(app_of(echo), say("a", at=1), say("b", at=2.5), leave(at=4))
    assert talk(exchange) == [
        (1.0, "client", "a"),
        (1.0, "server", "you said a"),
        (2.5, "client", "b"),
        (2.5, "server", "you said b"),
    ]
    assert exchange.status == 101
    closing = exchange.closing
    assert closing is not None
    assert (closing.by, closing.code, closing.at.seconds) == ("client", 1000, 4.0)
    assert exchange.elapsed == 4.0


def test_client_can_wait_for_what_it_receives() -> None:
    async def greet(socket: WebSocket) -> None:
        await socket.accept()
        await asyncio.sleep(2)
        await socket.send_json({"hello": 1})
        await socket.send_json(await socket.receive_json())
        await socket.close(4321, "enough")

    exchange = only(app_of(greet), say(json=[1], after=1))
    assert talk(exchange) == [
        (2.0, "server", '{"hello":1}'),
        (2.0, "client", "[1]"),
        (2.0, "server", "[1]"),
    ]
    closing = exchange.closing
    assert closing is not None
    assert (closing.by, closing.code, closing.reason) == ("server", 4321, "enough")


def test_bytes_and_subprotocols_and_headers_arrive() -> None:
    async def take(socket: WebSocket) -> None:
        await socket.accept(subprotocol=socket.scope["subprotocols"][1])
        await socket.send_bytes(await socket.receive_bytes() + socket.headers["x-a"].encode())
        await socket.send_text(socket.query_params["q"])
        await socket.close()

    exchange = only(
        app_of(take), say(b"\x00"), subprotocols=("a", "b"), headers={"X-A": "1"}, query={"q": "2"}
    )
    assert talk(exchange) == [
        (0.0, "client", b"\x00"),
        (0.0, "server", b"\x001"),
        (0.0, "server", "2"),
    ]
    assert exchange.subprotocol == "b"


def test_refusal_is_a_403_or_the_response_that_the_app_gives() -> None:
    async def refuse(socket: WebSocket) -> None:
        await socket.close()

    async def explain(socket: WebSocket) -> None:
        await socket.send_denial_response(JSONResponse({"why": "no"}, 401))

    assert only(app_of(refuse), say("never")).status == 403
    exchange = only(app_of(explain))
    assert (exchange.status, exchange.json()) == (401, {"why": "no"})
    assert exchange.messages == ()


def test_app_that_fails_before_it_accepts_answers_500() -> None:
    async def fail(socket: WebSocket) -> None:
        raise ValueError("no")

    exchange = only(app_of(fail))
    assert exchange.status == 500
    assert exchange.raised is not None
    assert exchange.raised.type == "ValueError"


def test_app_that_returns_or_fails_ends_the_connection_without_a_word() -> None:
    async def return_(socket: WebSocket) -> None:
        await socket.accept()

    async def fail(socket: WebSocket) -> None:
        await socket.accept()
        raise ValueError("no")

    for endpoint in (return_, fail):
        closing = only(app_of(endpoint)).closing
        assert closing is not None
        assert (closing.by, closing.code) == ("server", 1006)


def test_slow_client_makes_send_wait_once_the_buffer_is_full() -> None:
    moments = []

    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        for _ in range(4):
            await socket.send_text("x" * 1000)
            moments.append(asyncio.get_running_loop().time())
        await socket.close()

    only(app_of(flood), reads=500, buffer=1500)
    # 2,000 bytes are there at once; down to a quarter of the buffer after 3.25 s.
    assert moments == [0.0, 0.0, 3.25, 3.25]


def test_client_that_reads_nothing_is_given_up_when_it_answers_no_ping() -> None:
    seen = []

    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        try:
            while True:
                await socket.send_text("x" * 1000)
        except WebSocketDisconnect:
            seen.append(asyncio.get_running_loop().time())

    closing = only(app_of(flood), reads=0, buffer=1500).closing
    assert seen == [40.0]
    assert closing is not None
    assert (closing.by, closing.code) == ("server", 1011)


def test_close_of_a_client_that_does_not_read_is_told_when_the_app_asks_for_it() -> None:
    async def flood(socket: WebSocket) -> None:
        await socket.accept()
        with suppress(TimeoutError):
            async with asyncio.timeout(3):
                while True:
                    await socket.send_text("x" * 1000)
        with suppress(WebSocketDisconnect):
            await socket.close(1013)

    closing = only(app_of(flood), reads=0, buffer=1500).closing
    assert closing is not None
    assert (closing.at.seconds, closing.by, closing.code) == (3.0, "server", 1013)


def test_many_clients_talk_to_each_other() -> None:
    app = FastAPI()
    sockets: list[WebSocket] = []

    @app.websocket("/ws")
    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        sockets.append(socket)
        with suppress(WebSocketDisconnect):
            while True:
                text = await socket.receive_text()
                for other in sockets:
                    await other.send_text(text)

    trace = play(
        app,
        websocket("/ws", say("one", at=1), leave(at=5)),
        websocket("/ws", say("two", at=2), leave(at=5)),
    )
    assert [talk(exchange) for exchange in trace.exchanges] == [
        [(1.0, "client", "one"), (1.0, "server", "one"), (2.0, "server", "two")],
        [(1.0, "server", "one"), (2.0, "client", "two"), (2.0, "server", "two")],
    ]


def test_scenario_with_a_websocket_is_json() -> None:
    import msgspec

    whole = scenario(websocket("/ws", say(json=1, at=2), say(b"\xff"), leave(4000, "bye", after=1)))
    assert msgspec.json.decode(encode(whole), type=Scenario) == whole


def test_nonsense_is_refused_when_it_is_made() -> None:
    with pytest.raises(UsageError, match="say\\(\\) needs"):
        say()
    with pytest.raises(UsageError, match="a client cannot close with 999"):
        leave(999)
    with pytest.raises(UsageError, match="1006 is never sent"):
        leave(1006)
    with pytest.raises(UsageError, match="does not begin with a slash"):
        websocket("ws")
    with pytest.raises(UsageError, match="isn't a step"):
        websocket("/ws", "hello")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at="):
        say("x", at=-1)


# The same programs under uvicorn, with real clients: what the app sees, and how it ends.


class Told:
    """An app that writes down what it receives and how its sends end."""

    def __init__(self, endpoint: Callable[[Any, Any, list[Any]], Any]) -> None:
        self.seen: list[Any] = []
        self._endpoint = endpoint

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            self.seen.append((scope["asgi"]["spec_version"], sorted(scope["extensions"])))
            await self._endpoint(receive, send, self.seen)


async def note(receive: Any, seen: list[Any]) -> str:
    message = await receive()
    seen.append({key: value for key, value in message.items() if value not in (None, "")})
    return str(message["type"])


async def attempt(send: Any, seen: list[Any], **message: Any) -> None:
    try:
        await send(message)
    except OSError:
        seen.append("OSError")
    except RuntimeError:
        seen.append("RuntimeError")
    else:
        seen.append("sent")


async def hears_of_the_end(receive: Any, send: Any, seen: list[Any]) -> None:
    await note(receive, seen)
    await attempt(send, seen, type="websocket.accept")
    while await note(receive, seen) != "websocket.disconnect":
        await attempt(send, seen, type="websocket.send", text="back")
    await attempt(send, seen, type="websocket.send", text="too late")


async def closes(receive: Any, send: Any, seen: list[Any]) -> None:
    await note(receive, seen)
    await attempt(send, seen, type="websocket.accept")
    await note(receive, seen)
    await attempt(send, seen, type="websocket.close", code=4001)
    await attempt(send, seen, type="websocket.send", text="too late")
    await note(receive, seen)


async def refuses(receive: Any, send: Any, seen: list[Any]) -> None:
    await note(receive, seen)
    await attempt(send, seen, type="websocket.close")
    await note(receive, seen)


async def denies(receive: Any, send: Any, seen: list[Any]) -> None:
    await note(receive, seen)
    await attempt(send, seen, type="websocket.http.response.start", status=401, headers=[])
    await attempt(send, seen, type="websocket.http.response.body", body=b"no")
    await note(receive, seen)


async def mistaken(receive: Any, send: Any, seen: list[Any]) -> None:
    await note(receive, seen)
    await attempt(send, seen, type="websocket.send", text="too early")
    await attempt(send, seen, type="websocket.accept")
    await attempt(send, seen, type="websocket.accept")
    await attempt(send, seen, type="websocket.close")


async def under_uvicorn(app: Any, *steps: Say | Leave) -> tuple[int, int | None]:
    """Do the steps as a real client of a real server; its status, and the code of the close."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        return await as_client(f"ws://127.0.0.1:{listener.getsockname()[1]}/ws", *steps)
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def as_client(url: str, *steps: Say | Leave) -> tuple[int, int | None]:
    try:
        client = await connect(url)
    except InvalidStatus as refused:
        return refused.response.status_code, None
    try:
        for step in steps:
            for _ in range(step.after or 0):
                await client.recv()
            if isinstance(step, Say):
                await client.send(step.body if step.text is None else step.text)
            elif step.code is None:
                client.transport.abort()
            else:
                await client.close(step.code, step.reason)
        await client.wait_closed()
    except ConnectionClosed:
        pass
    return 101, client.close_code


@pytest.mark.parametrize(
    ("endpoint", "steps"),
    [
        (hears_of_the_end, [say("a"), leave(4000, "bye", after=1)]),
        (hears_of_the_end, [say("a"), leave(None, after=1)]),
        (closes, [say("a")]),
        (refuses, []),
        (denies, []),
        (mistaken, []),
    ],
    ids=["client-closes", "client-is-lost", "app-closes", "refused", "denied", "mistaken"],
)
def test_app_sees_what_it_sees_under_uvicorn(endpoint: Any, steps: list[Say | Leave]) -> None:
    played, real = Told(endpoint), Told(endpoint)
    exchange = play(played, websocket("/ws", *steps)).exchanges[0]
    status, code = asyncio.run(under_uvicorn(real, *steps))
    assert json.dumps(played.seen, default=str) == json.dumps(real.seen, default=str)
    assert exchange.status == status
    if exchange.closing is not None:
        assert exchange.closing.code == code
