"""The forkserver: it has paid for the imports, and forks players that start at once.

It runs no foreign code and has no threads. The judge asks it, over a control socket,
for players and for the end of one; when the judge is gone it ends them all.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import NoReturn

import msgspec

from ..processes.channel import Channel, ChannelClosed
from ..processes.container import Container, ContainerError
from ..processes.handshake import Hello
from ..processes.limits import adopt_orphans
from ..processes.orphans import end_children
from ..processes.scratch import make_scratch, remove_scratch
from ..processes.shared_memory import can_have_own_shared_memory
from ..services.base.broker import Broker, use_broker
from .contained import serve_contained
from .enclosure import places
from .world import World

GRACE = 0.25
"""Real seconds that a player whose channel is closed has to exit by itself."""


class Fork(msgspec.Struct, frozen=True, tag="fork"):
    """Make a player."""


class Import(msgspec.Struct, frozen=True, tag="import"):
    """Import these modules, if they are there, for all players to come."""

    modules: tuple[str, ...]


class Reap(msgspec.Struct, frozen=True, tag="reap"):
    """End a player, and all that it started, and say how it ended."""

    pid: int


class Contain(msgspec.Struct, frozen=True, tag="contain"):
    """Make a forkserver in a container of its own, for one file. It is ended as players are.

    Attributes:
        file: the one that is graded.
        hidden: folders that it may not read.
    """

    file: str
    hidden: tuple[str, ...]


class Contained(msgspec.Struct, frozen=True):
    """The forkserver was made, and its control socket comes as a file descriptor; or there can't
    be a container, and why."""

    pid: int = 0
    problem: str = ""


class Forked(msgspec.Struct, frozen=True):
    """A player was made, with a scratch folder. As file descriptors come its channel, its stacks
    pipe, the socket that it asks the broker on, and if it is in a container, one of itself."""

    pid: int
    scratch: str


class Reaped(msgspec.Struct, frozen=True):
    """How a player ended: the status of `os.waitpid`, and its peak memory in KiB."""

    status: int
    peak: int


class Forkserver:
    """Forks players for the judge, and ends them.

    Args:
        control: the socket that file descriptors of players are sent over.
        channel: the messages on that socket.
        world: what a play must not replace.
        is_contained: whether this process is in a container, where its players have other
            numbers than outside.
    """

    def __init__(
        self, control: socket.socket, channel: Channel, world: World, is_contained: bool = False
    ) -> None:
        self._control = control
        self._channel = channel
        self._world = world
        self._is_contained = is_contained
        self._own_shared_memory = not is_contained and can_have_own_shared_memory()
        self._players: dict[int, str] = {}  # their scratch folders
        self._containers: dict[int, Container] = {}

    def run(self) -> None:
        """Serve the judge until its end of the socket is closed."""
        try:
            while True:
                match self._channel.receive(Fork | Import | Contain | Reap):  # type: ignore[arg-type]
                    case Fork():
                        self._fork()
                    case Import(modules):
                        _import(modules)
                        self._world.remember()
                    case Contain(file, hidden):
                        self._contain(file, hidden)
                    case Reap(pid):
                        self._channel.send(self._reap(pid))
        except ChannelClosed:
            for pid in list(self._players):
                self._kill(pid)
            for pid in list(self._containers):
                self._open_up(pid)

    def _fork(self) -> None:
        ours, players = socket.socketpair()
        answers, asks = socket.socketpair()
        read, write = os.pipe()
        scratch = make_scratch()
        pid = os.fork()
        if pid == 0:
            for end in (ours, answers, self._control):
                end.close()
            for container in self._containers.values():
                container.forget()
            os.close(read)
            self._become_player(players, asks, write, scratch)
        self._players[pid] = scratch
        self._channel.send(Forked(pid, scratch))
        itself = [os.pidfd_open(pid)] if self._is_contained else []
        descriptors = [ours.fileno(), read, answers.fileno(), *itself]
        socket.send_fds(self._control, [b"f"], descriptors)
        for end in (ours, players, answers, asks):
            end.close()
        for descriptor in (read, write, *itself):
            os.close(descriptor)

    def _become_player(
        self, end: socket.socket, asks: socket.socket, stacks: int, scratch: str
    ) -> NoReturn:
        from .player import run_player

        use_broker(Broker(asks))
        run_player(Channel(end), stacks, scratch, self._world, self._own_shared_memory)

    def _contain(self, file: str, hidden: tuple[str, ...]) -> None:
        try:
            container = Container(places(file, hidden))
        except ContainerError as error:
            self._channel.send(Contained(problem=str(error)))
            return
        ours, its = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            for end in (ours, self._control):
                end.close()
            serve_contained(container, its, self._world)
        self._containers[pid] = container
        self._channel.send(Contained(pid))
        socket.send_fds(self._control, [b"c"], [ours.fileno()])
        for end in (ours, its):
            end.close()

    def _open_up(self, pid: int) -> Reaped:
        """End a container, and the process through which it was entered."""
        self._containers.pop(pid).close()
        os.waitpid(pid, 0)
        return Reaped(0, 0)

    def _reap(self, pid: int) -> Reaped:
        if pid in self._containers:
            return self._open_up(pid)
        if pid not in self._players:
            return Reaped(0, 0)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            done, status, usage = os.wait4(pid, os.WNOHANG)
            if done:
                self._after(pid)
                return Reaped(status, usage.ru_maxrss)
            time.sleep(0.002)
        return self._kill(pid)

    def _kill(self, pid: int) -> Reaped:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self._after(pid)
        return Reaped(status, usage.ru_maxrss)

    def _after(self, pid: int) -> None:
        """Clear away what a player has left: its group, the orphans that came to us, its files."""
        scratch = self._players.pop(pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        end_children(self._is_orphan)
        remove_scratch(scratch)

    def _is_orphan(self, child: int) -> bool:
        """Whether a player has left a process to this one."""
        bubblewraps = [container.pid for container in self._containers.values()]
        return child not in (*self._players, *self._containers, *bubblewraps)


WARM_UP = """
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

def exercise():
    app = FastAPI()

    @app.post("/")
    async def root(data: dict, q: str, tasks: BackgroundTasks):
        raise HTTPException(502)

    @app.get("/")
    async def stream():
        return StreamingResponse(iter([]))

    return app
"""


def _warm_up() -> None:
    """Import what plays need, and play once: what is made at first use is then shared."""
    from ..driver import run_play
    from ..model.scenarios import post, scenario
    from . import player
    from .loading import LearnerFile
    from .messages import Load

    assert player
    source = LearnerFile(Load(WARM_UP, "/warm-up/exercise.py"))
    what = scenario(post("/?q=1", json={}))
    run_play(lambda context: source.build_app("exercise", what, context), what)
    source.forget()


def _import(modules: tuple[str, ...]) -> None:
    gc.disable()  # imports make much and throw away little: looking for garbage is in vain
    for module in modules:
        with contextlib.suppress(ImportError):  # the play that needs it says what is missing
            import_module(module)
    gc.enable()
    gc.freeze()  # what there is stays shared between the players, and is not searched


def main() -> None:
    """Import what plays need, then serve the judge over the socket given as file descriptor."""
    control = socket.socket(fileno=int(sys.argv[1]))
    channel = Channel(control)
    with contextlib.suppress(ChannelClosed):  # the judge is gone already
        channel.send(Hello())
        _prepare()
        with _ready_for_plays():
            forkserver = Forkserver(control, channel, World())
            gc.freeze()
            forkserver.run()
    os._exit(0)  # nothing is left to tidy up, and the judge waits for the end


@contextlib.contextmanager
def _ready_for_plays() -> Iterator[None]:
    """What every play needs in its process, done once: a player that changes what it shares with
    this process gets a copy of its own, page for page, which takes about as long as a play."""
    from ..clock import clocks_installed
    from ..driver.blocking import blocking_calls_noted
    from .loading import remember_sources

    remember_sources()
    with clocks_installed(), blocking_calls_noted():
        yield


def _prepare() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, nobody hears how a player ended
    adopt_orphans()
    threading.stack_size(512 * 1024)  # forty threads must fit into the memory limit
    gc.disable()
    _warm_up()
    gc.enable()
