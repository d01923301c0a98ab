"""Clients that leave: the same program does the same things in the same order under uvicorn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import pytest
import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse
from starlette.background import BackgroundTask
from starlette.middleware.base import BaseHTTPMiddleware

from grader import get, play

Events = list[str]
Build = Callable[[Events], FastAPI]

BIG = b"\n" + b"x" * 200_000


async def two_lines_and_a_long_wait(events: Events) -> AsyncIterator[bytes]:
    try:
        yield b"one\n"
        yield b"two\n"
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        events.append("cancelled")
        raise
    finally:
        events.append("generator closed")


async def big_pieces(events: Events) -> AsyncIterator[bytes]:
    try:
        for _ in range(50):
            yield BIG
        events.append("ran to its end")
    finally:
        events.append("generator closed")


def stream(events: Events) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(two_lines_and_a_long_wait(events))

    return app


def stream_with_background_task(events: Events) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> StreamingResponse:
        task = BackgroundTask(events.append, "background task")
        return StreamingResponse(two_lines_and_a_long_wait(events), background=task)

    return app


def stream_with_a_dependency(events: Events) -> FastAPI:
    async def connection() -> AsyncIterator[None]:
        try:
            yield
        finally:
            events.append("connection closed")

    app = FastAPI()

    @app.get("/", dependencies=[Depends(connection)])
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(two_lines_and_a_long_wait(events))

    return app


def stream_behind_middleware(events: Events) -> FastAPI:
    app = stream(events)

    async def dispatch(request: Request, call_next: Any) -> Any:
        try:
            return await call_next(request)
        finally:
            events.append("middleware returns")

    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    return app


def blocked_stream(events: Events) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(big_pieces(events))

    return app


def blocked_stream_with_a_dependency(events: Events) -> FastAPI:
    async def slot() -> AsyncIterator[None]:
        try:
            yield
        finally:
            events.append("slot free")

    app = FastAPI()

    @app.get("/")
    async def endpoint(_: Annotated[None, Depends(slot)] = None) -> StreamingResponse:
        return StreamingResponse(big_pieces(events))

    return app


def events_stream(events: Events) -> FastAPI:
    app = FastAPI()

    @app.get("/", response_class=EventSourceResponse)
    async def endpoint() -> AsyncIterator[str]:
        async for line in two_lines_and_a_long_wait(events):
            yield line.decode()

    return app


def sender_and_listener(events: Events) -> Any:
    """Two tasks of one request: one sends to a client that doesn't read, one waits for its end."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def listen() -> None:
            events.append((await receive())["type"])

        if scope["type"] != "http":
            return
        await receive()
        listening = asyncio.create_task(listen())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"one\ntwo\n", "more_body": True})
        while not events:
            await send({"type": "http.response.body", "body": BIG, "more_body": True})
        events.append("the send that waited is over")
        await send({"type": "http.response.body", "body": BIG, "more_body": True})
        events.append("the next one doesn't wait")
        await listening

    return app


PROGRAMS: list[Build] = [
    stream,
    stream_with_background_task,
    stream_with_a_dependency,
    stream_behind_middleware,
    blocked_stream,
    blocked_stream_with_a_dependency,
    events_stream,
    sender_and_listener,
]


async def under_uvicorn(build: Build) -> Events:
    """What happens when a client reads two lines and goes."""
    events: Events = []
    listener = socket.create_server(("127.0.0.1", 0))
    app = build(events)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve([listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    for _ in range(2):
        await reader.readline()
    writer.transport.abort()
    server.should_exit = True  # it waits for what is open, and then it is over
    await serving
    listener.close()
    return events


def on_the_clock(build: Build) -> Events:
    events: Events = []
    trace = play(build(events), get("/", hangs_up_after=2))
    assert trace.outcome.kind == "finished", trace.outcome
    return events


@pytest.mark.parametrize("build", PROGRAMS, ids=lambda build: build.__name__)
def test_leaving_client_ends_things_in_the_same_order(build: Build) -> None:
    assert on_the_clock(build) == asyncio.run(under_uvicorn(build))
