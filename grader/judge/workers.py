"""The judge's side of the processes: starts the forkserver, asks it for players.

Where the kernel doesn't keep a play's signals to its own processes, it can stop or kill the
forkserver. One that is stopped is woken; one that is dead, or does not answer, is replaced, and
the players that died with it are distinguished from those that died of what they played.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..model.errors import GraderError
from ..processes.channel import Channel, ChannelClosed
from ..processes.handshake import Hello, check_peer
from ..processes.limits import adopt_orphans
from ..processes.orphans import end_orphans
from ..processes.scratch import remove_scratch
from ..processes.signs import AWAITS_SERVICE, IMPORTS
from ..processes.spawn import take_worker
from ..worker.forkserver import Fork, Forked, Reap, Reaped
from ..worker.messages import MOST_RESULT
from .broker import PlayerBroker

LOOK_EVERY = 0.25
"""Real seconds between two looks at a parent that has not answered."""
SILENT_FOR = 5.0
"""Real seconds after which a parent that has answered before is given up."""
IMPORTS_FOR = 120.0
"""Real seconds that its imports may take."""
MOST_STACKS = 1 << 20
"""Bytes of stacks and exit report that are read of a player."""

Reply = TypeVar("Reply")


class Worker:
    """A forkserver at all times. Starting it returns at once; it imports while the judge does.

    Attributes:
        peak: KiB of memory of the largest player so far.
    """

    def __init__(self) -> None:
        self._parent = ForkserverClient()
        self._is_closed = False
        self._peak = 0

    @property
    def peak(self) -> int:
        return max(self._peak, self._parent.peak)

    def fork(self) -> PlayerProcess:
        """A new player."""
        try:
            return self._parent.fork()
        except ChannelClosed as error:
            if self._is_closed or not self._parent.has_answered:
                raise GraderError(
                    "the worker process could not be started",
                    "run `python -c 'import fastapi, blockbuster'` to see whether they are "
                    "installed",
                ) from error
        self._replace_parent()
        return self.fork()

    def _replace_parent(self) -> None:
        self._peak = self.peak
        self._parent.kill()
        self._parent = ForkserverClient()

    def close(self) -> None:
        """End the worker and every player of it."""
        self._is_closed = True
        self._parent.close()


class ForkserverClient:
    """One forkserver, as the judge sees it.

    Attributes:
        has_answered: whether its imports have worked.
        peak: KiB of memory of its largest player so far.
    """

    def __init__(self) -> None:
        adopt_orphans()  # of a forkserver that is killed
        self._process, self._control = take_worker()
        self._channel = Channel(self._control)
        self._players: dict[int, str] = {}  # their scratch folders
        self._ending: deque[int] = deque()
        self._is_known = False
        self.has_answered = False
        self.peak = 0

    def fork(self) -> PlayerProcess:
        """A new player.

        Raises:
            ChannelClosed: the forkserver is gone; so say the other methods.
            VersionMismatch: it runs another version of the kit.
        """
        if not self._is_known:
            check_peer(self._reply(Hello))
            self._is_known = True
        self._read_reaped()
        self._channel.send(Fork())
        forked = self._reply(Forked)
        self._players[forked.pid] = forked.scratch
        self._await_bytes()
        try:
            _, (end, stacks, asks), _, _ = socket.recv_fds(self._control, 1, 3)
        except (ValueError, OSError) as error:
            raise ChannelClosed from error
        self.has_answered = True
        channel = Channel(socket.socket(fileno=end), largest=MOST_RESULT)
        broker = PlayerBroker(socket.socket(fileno=asks))
        return PlayerProcess(self, forked.pid, channel, stacks, broker)

    def reap(self, pid: int) -> Reaped:
        """End a player and see how it ended."""
        self.reap_in_time(pid)
        return self._read_reaped()

    def reap_in_time(self, pid: int) -> None:
        """Let a player be ended; nobody waits for it."""
        self._channel.send(Reap(pid))
        self._ending.append(pid)

    def _read_reaped(self) -> Reaped:
        reaped = Reaped(0, 0)
        while self._ending:
            reaped = self._reply(Reaped)
            self._players.pop(self._ending.popleft(), None)
            self.peak = max(self.peak, reaped.peak)
        return reaped

    def _reply(self, kind: type[Reply]) -> Reply:
        while not self._channel.arrived():
            self._await_bytes()
        return self._channel.receive(kind)

    def _await_bytes(self) -> None:
        patience = SILENT_FOR if self.has_answered else IMPORTS_FOR
        deadline = time.monotonic() + patience
        while not select.select([self._control], [], [], LOOK_EVERY)[0]:
            self._process.send_signal(signal.SIGCONT)
            if time.monotonic() > deadline:
                self.kill()
                raise ChannelClosed

    def close(self) -> None:
        """End the parent and every player of it."""
        self._channel.close()
        deadline = time.monotonic() + SILENT_FOR
        while self._process.poll() is None and time.monotonic() < deadline:
            self._process.send_signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LOOK_EVERY)
        if self._process.returncode != 0:
            self.kill()

    def kill(self) -> None:
        """End all at once. What a parent leaves behind that cannot end its players itself."""
        self._channel.close()
        self._process.kill()
        self._process.wait()
        for pid, scratch in self._players.items():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            remove_scratch(scratch)
        self._players.clear()
        end_orphans()


class ProcessState(NamedTuple):
    """A look at a process.

    Attributes:
        letter: the kernel's for what it does, such as `S` for sleeping.
        cpu: the CPU time used so far, in kernel ticks.
        awaits_service: whether it says that it waits for a service.
        imports: whether it says that it imports a package.
        delayed: real seconds for which it could have run, and others had the processors.
    """

    letter: str
    cpu: int
    awaits_service: bool
    imports: bool
    delayed: float


class PlayerProcess:
    """A forked player, as the judge sees it."""

    def __init__(
        self,
        parent: ForkserverClient,
        pid: int,
        channel: Channel,
        stacks: int,
        broker: PlayerBroker,
    ) -> None:
        self.pid = pid
        self.channel = channel
        self.stacks = stacks
        self._parent = parent
        self._broker = broker

    def state(self) -> ProcessState | None:
        """What the kernel says of it; None if there is no such process, or no way to know."""
        try:
            name, _, rest = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")
        except OSError:
            return None
        fields = rest.split()
        return ProcessState(
            letter=fields[0],
            cpu=int(fields[11]) + int(fields[12]),
            awaits_service=name.endswith(AWAITS_SERVICE),
            imports=name.endswith(IMPORTS),
            delayed=self._delayed(),
        )

    def _delayed(self) -> float:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[1]) / 1e9
        return 0.0

    def dump_stacks(self) -> str:
        """The stacks of all threads, as `faulthandler` writes them, if it still can."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGUSR1)
        return self._read_stacks(0.2).decode("utf-8", "replace")

    def has_spoken(self) -> bool:
        """Whether it has written to the pipe for stacks and exit report."""
        return bool(select.select([self.stacks], [], [], 0)[0])

    def exit_report(self) -> bytes:
        """What a player that ended itself had to say."""
        return self._read_stacks(0)

    def _read_stacks(self, patience: float) -> bytes:
        read = b""
        while len(read) < MOST_STACKS and select.select([self.stacks], [], [], patience)[0]:
            part = os.read(self.stacks, 65536)
            if not part:
                break
            read += part
        return read

    def end(self) -> Reaped | None:
        """Close the channel and see the process end, with all that it started.

        None if its parent is gone, and so cannot tell.
        """
        self._let_go()
        try:
            return self._parent.reap(self.pid)
        except ChannelClosed:
            return None

    def end_in_time(self) -> None:
        """Like `end`, without waiting for it."""
        self._let_go()
        with contextlib.suppress(ChannelClosed):
            self._parent.reap_in_time(self.pid)

    def _let_go(self) -> None:
        self.channel.close()
        self._broker.close()
        os.close(self.stacks)
