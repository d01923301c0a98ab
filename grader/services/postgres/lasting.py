"""A PostgreSQL whose data lasts: the embedded one, in a folder of the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from ..base.errors import ServiceError
from .daemon.cluster import find_programs, version_of
from .daemon.embedded import SETTINGS, Embedded
from .daemon.state import Lock

NOT_TO_LAST = (
    *("fsync", "synchronous_commit", "full_page_writes", "autovacuum"),
    *("max_connections", "scram_iterations"),
)
"""Settings for data to throw away. Without them PostgreSQL's own hold: what is committed is on the
disk."""


@dataclass
class LastingPlace:
    """A folder with data, and one for Unix sockets, whose paths have to be short."""

    home: Path
    server_sockets: Path


class LastingServer(Embedded):
    """The embedded server, made not to lose what is committed. It never begins with new data
    where it can't use what is there."""

    settings = MappingProxyType({k: v for k, v in SETTINGS.items() if k not in NOT_TO_LAST})

    async def _start(self) -> None:
        _, version = find_programs()
        for data in self._state.home.glob("postgres-*[0-9]"):
            if data.name != f"postgres-{version}" or version_of(data) != version:
                raise ServiceError(
                    f"{data} holds no data that PostgreSQL {version} can use.",
                    "Install the kit that made it, or name another folder.",
                )
        await super()._start()

    def _give_up(self, data: Path, error: str) -> None:
        raise self._failure(f"does not start on {data}", error)


@contextmanager
def lasting_server(folder: Path) -> Iterator[str]:
    """A server for as long as the block lasts; the URL of its database.

    The process has no other children meanwhile: it ends what a server that died has left running.

    Args:
        folder: of the data, which is made if it isn't there. One server at a time may use it.

    Raises:
        ServiceError: it doesn't start, or another process uses the folder.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(Lock(folder / "lock")) as lock, TemporaryDirectory(prefix="sockets-") as sockets:
        if not lock.take():
            raise ServiceError(f"Another process uses {folder}.", "End it, or name another folder.")
        server = LastingServer(LastingPlace(folder.resolve(), Path(sockets, "server")))
        asyncio.run(server.up())
        try:
            yield server.admin().dsn
        finally:
            asyncio.run(server.close())
