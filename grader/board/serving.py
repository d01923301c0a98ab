"""Serves a board until it is stopped, with its database."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

import asyncpg  # type: ignore[import-untyped]
import uvicorn

from ..services.base.errors import ServiceError
from ..services.postgres.lasting import lasting_server
from .app import BoardSettings, board_app
from .audience import Audience
from .reports import CONNECT_WITHIN, UNAVAILABLE

STOP_WITHIN = 10
"""Seconds that open requests have once the board is asked to stop."""


class BoardServer(uvicorn.Server):
    """A server that ends the streams when it is asked to stop.

    uvicorn waits for open requests, and only then ends the lifespan. Streams would never end, so
    they have to be told before.
    """

    def __init__(self, config: uvicorn.Config, audience: Audience, ready: Callable[[], object]):
        super().__init__(config)
        self._audience = audience
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._audience.end)
        super().handle_exit(sig, frame)


def serve_board(
    settings: BoardSettings, folder: Path, listener: socket.socket, ready: Callable[[], object]
) -> None:
    """Serve a board on a socket, until SIGINT or SIGTERM.

    Args:
        folder: of the data, if `DATABASE_URL` names no database.
        ready: called when the first report can come.

    Raises:
        ServiceError: there is no database.
    """
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises it again when it has stopped
    with _database(folder) as dsn:
        app = board_app(dsn, settings)
        config = uvicorn.Config(
            app,
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=STOP_WITHIN,
        )
        BoardServer(config, app.state.board.audience, ready).run(sockets=[listener])


@contextmanager
def _database(folder: Path) -> Iterator[str]:
    named = os.environ.get("DATABASE_URL")
    if named:
        asyncio.run(_try(named))
        yield named
        return
    with lasting_server(folder) as dsn:
        yield dsn


async def _try(dsn: str) -> None:
    try:
        conn = await asyncpg.connect(dsn, timeout=CONNECT_WITHIN)
    except (*UNAVAILABLE, asyncpg.PostgresError, ValueError) as error:
        raise ServiceError(
            f"The PostgreSQL of DATABASE_URL does not answer: {error!r}",
            "Start it, correct DATABASE_URL, or unset it to use the embedded PostgreSQL.",
        ) from error
    await conn.close()


def _leave(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
