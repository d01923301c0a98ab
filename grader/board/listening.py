"""A connection that listens, for as long as the board lives. A lost one is opened anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
CONNECT_WITHIN = 5.0
NOT_CONNECTED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What is raised where there is no server. `TimeoutError` is an `OSError`."""


@asynccontextmanager
async def listening(dsn: str, channel: str, heard: Callable[[], object]) -> AsyncIterator[None]:
    """Call `heard` at each notification while the block lasts. Also after the connection was
    lost, as what was told meanwhile is lost with it.

    It isn't a connection of the pool's, which resets what it takes back.

    Raises:
        OSError, asyncpg.PostgresError: there is no server when the block begins.
    """
    listener = Listener(dsn, channel, heard)
    await listener.connect()
    keeping = asyncio.create_task(listener.keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await listener.close()


class Listener:
    """The connection, and who is told what it hears."""

    def __init__(self, dsn: str, channel: str, heard: Callable[[], object]) -> None:
        self._dsn = dsn
        self._channel = channel
        self._heard = heard
        self._lost = asyncio.Event()

    async def connect(self) -> None:
        """Open it, and listen."""
        lost = asyncio.Event()
        conn = await asyncpg.connect(self._dsn, timeout=CONNECT_WITHIN)
        conn.add_termination_listener(lambda _: lost.set())
        await conn.add_listener(self._channel, lambda *_: self._heard())
        self._connection, self._lost = conn, lost

    async def keep(self) -> None:
        """Open it anew whenever it is lost, with pauses that double."""
        while True:
            await self._lost.wait()
            pause = FIRST_PAUSE
            while self._lost.is_set():
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                try:
                    await self.connect()
                except NOT_CONNECTED as error:
                    log.warning("the board can't listen: %s", error)
            self._heard()

    async def close(self) -> None:
        """Close it, whether the server is there or not."""
        try:
            await self._connection.close(timeout=CONNECT_WITHIN)
        except NOT_CONNECTED:
            self._connection.terminate()
