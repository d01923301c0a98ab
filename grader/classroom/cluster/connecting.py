"""Finds a Dask cluster: one elsewhere, or one in this process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

from ...model.errors import UsageError

LOCAL = "local"
SCHEMES = ("tcp", "tls")
CONNECT = 5.0
"""Real seconds that a scheduler has to answer."""
START = "start one: dask scheduler"


def check_address(address: str) -> str:
    """What `--cluster` names, if it can be the address of a scheduler.

    Raises:
        UsageError: it can't, or Dask isn't installed.
    """
    if address != LOCAL and not _is_address(address):
        raise UsageError(
            f"{address} isn't the address of a scheduler",
            "it looks like tcp://192.0.2.7:8786; without one, --cluster local",
        )
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        remedy = "install it: pip install 'fastapi-async-course[cluster]'"
        raise UsageError("--cluster needs Dask, which isn't installed", remedy) from error
    return address


def _is_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname and parts.port) and not (parts.path or parts.query)
    except ValueError:  # a port that isn't one
        return False
    return is_whole and parts.scheme in SCHEMES


@asynccontextmanager
async def connected(address: str, workers: int) -> AsyncIterator[Any]:
    """Dask's client of the cluster, for as long as the block lasts.

    Args:
        address: of a scheduler, or `local`: then a cluster is made in this process, where it
            listens on no port.
        workers: how many a local one has.

    Raises:
        UsageError: no scheduler answers there.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_silence())
        if address == LOCAL:
            client = await stack.enter_async_context(_made(workers))
        else:
            client = await _found(address)
        yield await stack.enter_async_context(client)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep Dask from telling what it tries when a connection is lost: we say what came of it."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


@asynccontextmanager
async def _made(workers: int) -> AsyncIterator[Any]:
    from distributed import Client, LocalCluster

    async with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        memory_limit=0,  # the processes that need it are others, and have limits of their own
        dashboard_address=None,
        asynchronous=True,
    ) as cluster:
        yield Client(cluster, asynchronous=True)


async def _found(address: str) -> Any:
    from distributed import Client

    await _reach(address)
    client = Client(address, asynchronous=True, timeout=CONNECT)
    try:
        async with asyncio.timeout(CONNECT):  # Dask's own leaves out the wait for the first word
            return await client
    except (OSError, TimeoutError) as error:
        await client.close()
        raise UsageError(f"what answers at {address} isn't a Dask scheduler", START) from error
    except (TypeError, RuntimeError) as error:
        await client.close()
        remedy = "correct Dask's configuration of TLS, or the address"
        raise UsageError(f"Dask refuses to connect: {error}", remedy) from error


async def _reach(address: str) -> None:
    """Dask itself would go on trying."""
    place = urlsplit(address)
    try:
        async with asyncio.timeout(CONNECT):
            _, writer = await asyncio.open_connection(place.hostname, place.port)
    except (OSError, TimeoutError) as error:
        raise UsageError(f"there is no scheduler at {address}", START) from error
    writer.close()
