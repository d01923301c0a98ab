"""The app under test behind a real uvicorn on a loopback port, and a client for it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import httpx
import uvicorn


@dataclass(frozen=True)
class Answer:
    status: int
    media_type: str
    text: str
    took: float

    @property
    def data(self) -> Any:
        return json.loads(self.text)


@dataclass(frozen=True)
class Line:
    text: str
    at: float


class Server:
    """Uvicorn in a thread with a loop of its own: what blocks it does not block the test."""

    def __init__(self, app: Any, threads: int | None = None) -> None:
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
        self._uvicorn = uvicorn.Server(config)
        self._threads = threads
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        if self._threads:
            anyio.to_thread.current_default_thread_limiter().total_tokens = self._threads
        await self._uvicorn.serve(sockets=[self._listener])

    def start(self) -> None:
        self._thread.start()
        while not self._uvicorn.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        self.client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self._listener.getsockname()[1]}",
            limits=httpx.Limits(max_connections=None),
            timeout=60,
            trust_env=False,
            verify=False,  # no certificates to load: this is plain HTTP
        )

    def stop(self) -> None:
        """Ask the server to stop, and wait until it has."""
        self._uvicorn.should_exit = True
        self._thread.join(20)
        self._uvicorn.force_exit = True
        self._thread.join(5)
        self._listener.close()

    async def close(self) -> None:
        await self.client.aclose()
        self.stop()

    async def request(self, method: str, path: str, at: float = 0.0, **options: Any) -> Answer:
        """Send a request `at` seconds from now."""
        await asyncio.sleep(at)
        began = time.perf_counter()
        response = await self.client.request(method, path, **options)
        return Answer(
            response.status_code,
            response.headers.get("content-type", "").partition(";")[0],
            response.text,
            time.perf_counter() - began,
        )

    async def get(self, path: str, at: float = 0.0, **options: Any) -> Answer:
        return await self.request("GET", path, at, **options)

    async def post(self, path: str, at: float = 0.0, **options: Any) -> Answer:
        return await self.request("POST", path, at, **options)

    @asynccontextmanager
    async def lines(self, path: str) -> AsyncIterator[AsyncIterator[Line]]:
        """The lines of a stream as they come; leaving the block hangs up."""
        began = time.perf_counter()

        async def timed(texts: AsyncIterator[str]) -> AsyncGenerator[Line, None]:
            async for text in texts:
                yield Line(text, time.perf_counter() - began)

        async with (
            self.client.stream("GET", path) as response,
            aclosing(timed(response.aiter_lines())) as lines,
        ):
            yield lines

    async def all_lines(self, path: str, at: float = 0.0) -> list[Line]:
        await asyncio.sleep(at)
        async with self.lines(path) as lines:
            return [line async for line in lines]
