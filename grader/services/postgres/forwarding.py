"""A database behind a Unix socket, at an address that every driver understands.

A path as the host of a URL has to be percent-encoded, and SQLAlchemy, for one, does not read
that. So for as long as an app is served, a port on loopback leads to the socket.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import msgspec

from .daemon.messages import Address

CHUNK = 65536


@contextmanager
def reachable(address: Address) -> Iterator[Address]:
    """The address, or one on loopback that leads to the same server while the block lasts."""
    path = address.socket_path
    if path is None:
        yield address
        return
    with ThreadPoolExecutor(1) as pool:
        listener = socket.create_server(("127.0.0.1", 0))
        host, port = listener.getsockname()
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        done = pool.submit(_run, loop, _serve(listener, path, stop))
        try:
            yield msgspec.structs.replace(address, host=host, port=port, sslmode="disable")
        finally:
            loop.call_soon_threadsafe(stop.set)
            done.result()


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work)


async def _serve(listener: socket.socket, path: str, stop: asyncio.Event) -> None:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):
            there_reader, there_writer = await asyncio.open_unix_connection(path)
            with closing(there_writer):
                await asyncio.gather(_copy(reader, there_writer), _copy(there_reader, writer))

    async with await asyncio.start_server(forward, sock=listener):
        await stop.wait()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer), suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
