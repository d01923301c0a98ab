"""The keeper: a small daemon that owns the database server and leases databases to plays.

A client has one connection for each lease, and the lease ends with it, however it ends.
The keeper exits by itself when no client has been connected for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ....processes.channel import ChannelClosed
from ....processes.streams import MessageStream
from ...base.errors import ServiceError
from .embedded import Embedded
from .messages import (
    LARGEST,
    Answer,
    Ask,
    Blockers,
    Check,
    Checked,
    EndSessions,
    FindBlockers,
    Leased,
    Query,
    QueryRows,
    Request,
    RequestFailed,
    Stop,
    Stopping,
)
from .peers import is_owner, peer_of
from .quotas import Quotas
from .remote import Remote
from .state import KeeperState, Lock

if TYPE_CHECKING:
    from .databases import Databases, Holding

log = logging.getLogger(__name__)

IDLE = 600.0
"""Seconds without a client after which the keeper exits. `GRADER_IDLE` sets others."""
FAREWELL = 5.0
"""Seconds that a keeper which ends takes to drop databases."""
_PR_SET_DUMPABLE = 4
MOST_CONNECTIONS = 32
"""Of one process. Others would find no room when one has them all."""
OUT_OF_TURN = "That makes no sense now."


class Outdated(Exception):
    """The program has been replaced while it runs."""


class Keeper:
    """Serves the clients of one state directory until one stops it, or it is idle too long.

    Args:
        idle: seconds.

    Attributes:
        databases: what it leases.
        quotas: how much of that each client has.
    """

    def __init__(self, state: KeeperState, idle: float) -> None:
        self._state, self._idle = state, idle
        self._server = Embedded(state) if state.url is None else Remote(state.url)
        self.quotas = Quotas()
        self._done = asyncio.Event()
        self._clients: dict[asyncio.Task[None], int] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._program: dict[str, int] = {}

    async def run(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for kind in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(kind, self._done.set)
        self.databases = await self._start()
        door = await asyncio.start_unix_server(self._meet, sock=listener)
        self._rest()
        await self._done.wait()
        door.close()
        await self._finish()

    def stop(self) -> None:
        """End now."""
        self._done.set()

    def check_program(self) -> None:
        """Check that the kit is as it was when the keeper began, unless other clients depend on it.

        Raises:
            Outdated: it is not, and the keeper ends.
        """
        if len(self._clients) == 1 and self._program != _files(self._program):
            log.info("the kit was changed or removed: a new keeper has to take over")
            self.stop()
            raise Outdated

    async def _start(self) -> Databases:
        starting = asyncio.create_task(self._server.up())
        await asyncio.sleep(0)
        from .databases import Databases  # its driver is imported while the server starts

        modules = [module for name, module in sys.modules.items() if name.startswith("grader.")]
        self._program = _files([sys.executable, *(str(module.__file__) for module in modules)])
        with contextlib.suppress(ServiceError):  # a client that asks for a lease gets the error
            await starting
        databases = Databases(self._server, self._state.owner())
        databases.fill()
        return databases

    async def _finish(self) -> None:
        for client in self._clients:
            client.cancel()
        try:
            async with asyncio.timeout(FAREWELL):
                await self.databases.close()
        except (TimeoutError, ServiceError) as error:
            log.warning("databases are left for the next keeper to drop: %r", error)
        await self._server.close()

    def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._alarm:
            self._alarm.cancel()
        client = KeeperClient(self, reader, writer)
        if list(self._clients.values()).count(client.process) >= MOST_CONNECTIONS:
            writer.close()
            return
        serving = asyncio.create_task(client.serve())
        self._clients[serving] = client.process
        serving.add_done_callback(self._part)

    def _part(self, client: asyncio.Task[None]) -> None:
        del self._clients[client]
        if not self._clients:
            self._rest()

    def _rest(self) -> None:
        """Wait for the next client, but not for ever."""
        self._alarm = asyncio.get_running_loop().call_later(self._idle, self._done.set)


class KeeperClient:
    """One connection. It may ask for one thing at a time, and for one database in all.

    Attributes:
        process: at the other end.
    """

    def __init__(
        self, keeper: Keeper, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._keeper, self._databases = keeper, keeper.databases
        self._stream = MessageStream(reader, writer, LARGEST)
        self._peer = peer_of(writer.get_extra_info("socket"))
        self.process = self._peer.pid if self._peer else id(self)
        self._holding: Holding | None = None

    async def serve(self) -> None:
        """Answer until the connection ends, or a message arrives that no client of ours sends."""
        answering: asyncio.Task[None] | None = None
        try:
            while (request := await self._receive()) and (not answering or answering.done()):
                answering = asyncio.create_task(self._answer(request))
        finally:
            self._stream.close()
            self._return_database()
            if answering:
                await answering
            self._return_database()  # what it was in the middle of leasing

    async def _receive(self) -> Request | None:
        try:
            request: Request = await self._stream.receive(Request)  # type: ignore[arg-type]
        except ChannelClosed:
            return None
        return request

    async def _answer(self, request: Request) -> None:
        try:
            answer = await self._answer_to(request)
        except Outdated:
            self._stream.close()  # the client asks the next keeper
            return
        except ServiceError as error:
            answer = RequestFailed(error.problem, error.remedy)
        except Exception as error:
            log.exception("%s", request)
            answer = RequestFailed(f"The grader's keeper broke: {error!r}.", "Please report it.")
        self._stream.send(answer)
        await self._stream.taken()

    async def _answer_to(self, request: Request) -> Answer:
        match request, self._holding:
            case Stop(), None if not is_owner(self._peer):
                raise ServiceError("Only the user whose keeper this is may stop it.")
            case Stop(), None:  # one with a lease may be in the hands of a player
                self._keeper.stop()
                return Stopping(os.getpid())
            case Check(), None:
                self._keeper.check_program()
                return Checked()
            case Ask(), None:
                self._keeper.check_program()
                self._holding = await self._lease(request)
                return Leased(self._databases.address(self._holding))
            case _, holding if holding:
                return await self._answer_about(holding, request)
        raise ServiceError(OUT_OF_TURN)

    async def _lease(self, ask: Ask) -> Holding:
        await self._keeper.quotas.take(self.process)
        try:
            return await self._databases.lease(ask.seed_sql, ask.for_hours)
        except BaseException:
            self._keeper.quotas.give_back(self.process)
            raise

    async def _answer_about(self, holding: Holding, request: Request) -> Answer:
        match request:
            case Query(sql):
                return QueryRows(await self._databases.rows(holding, sql))
            case FindBlockers():
                return Blockers(await self._databases.blockers(holding))
            case EndSessions():
                await self._databases.end_sessions(holding)
                return Checked()
            case Check():
                await self._databases.check(holding)
                return Checked()
        raise ServiceError(OUT_OF_TURN)

    def _return_database(self) -> None:
        holding, self._holding = self._holding, None
        if holding:
            self._databases.end(holding)
            self._keeper.quotas.give_back(self.process)


def main() -> None:
    """Be the keeper that the environment asks for. Its parent has passed on the lock."""
    state = KeeperState.of_environment()
    state.make()
    passed_on = int(sys.argv[-1])
    _detach(passed_on)
    lock = Lock(passed_on)
    lock.take()  # it is held already: this writes down by whom
    idle = float(os.environ.get("GRADER_IDLE", IDLE))
    asyncio.run(Keeper(state, idle).run(_listen(state)))


def _files(paths: Iterable[str]) -> dict[str, int]:
    """When each file was changed, in nanoseconds; 0 for one that is gone."""
    return {path: os.stat(path).st_mtime_ns if os.path.exists(path) else 0 for path in paths}


def _detach(lock: int) -> None:
    """Outlive the terminal, and keep no directory in use, nor any file but the lock.

    The process that started this one may have pipes that its children inherit, as those of
    `multiprocessing` do, and what reads such a pipe to its end must not wait for the keeper.
    """
    os.closerange(3, lock)
    os.closerange(lock + 1, os.sysconf("SC_OPEN_MAX"))
    with contextlib.suppress(PermissionError):  # it leads a session already
        os.setsid()
    os.chdir("/")
    os.umask(0o077)
    if sys.platform == "linux":  # no one of the same user may look into its memory
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)


def _listen(state: KeeperState) -> socket.socket:
    state.socket.unlink(missing_ok=True)  # of a keeper that was killed: the lock is ours
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(state.socket))
    listener.listen(128)
    return listener


if __name__ == "__main__":
    main()
