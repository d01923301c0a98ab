"""Forkservers, as the judge sees them: its own, and those in containers."""

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
from typing import TypeVar

from ..model.errors import GraderError
from ..processes.channel import Channel, ChannelClosed
from ..processes.handshake import Hello, check_peer
from ..processes.limits import adopt_orphans
from ..processes.orphans import end_orphans
from ..processes.scratch import remove_scratch
from ..processes.spawn import take_worker
from ..worker.forkserver import Contain, Contained, Fork, Forked, Import, Reap, Reaped
from ..worker.messages import MOST_RESULT
from .broker import PlayerBroker
from .player_process import PlayerProcess

LOOK_EVERY = 0.25
"""Real seconds between two looks at a parent that has not answered."""
SILENT_FOR = 5.0
"""Real seconds after which a parent that has answered before is given up."""
IMPORTS_FOR = 120.0
"""Real seconds that its imports may take."""

Reply = TypeVar("Reply")


class ForkserverClient:
    """One forkserver, as the judge sees it.

    Args:
        control: the socket to it.

    Attributes:
        peak: KiB of memory of its largest player so far.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._channel = Channel(control)
        self._ending: deque[int] = deque()
        self._scratches: dict[int, str] = {}
        self.peak = 0

    def fork(self) -> PlayerProcess:
        """A new player.

        Raises:
            ChannelClosed: the forkserver is gone; so say the other methods.
        """
        self._read_reaped()
        self._channel.send(Fork())
        forked = self._reply(Forked)
        self._scratches[forked.pid] = forked.scratch
        end, stacks, asks, *itself = self._descriptors(3)
        channel = Channel(socket.socket(fileno=end), largest=MOST_RESULT)
        broker = PlayerBroker(socket.socket(fileno=asks))
        pid = _pid_of(itself[0]) if itself else forked.pid
        return PlayerProcess(self, forked.pid, pid, channel, stacks, broker)

    def reap(self, number: int) -> Reaped:
        """End a player and see how it ended.

        Args:
            number: the forkserver's own for it.
        """
        self.reap_in_time(number)
        return self._read_reaped()

    def reap_in_time(self, number: int) -> None:
        """Let a player be ended; nobody waits for it."""
        self._channel.send(Reap(number))
        self._ending.append(number)

    def _read_reaped(self) -> Reaped:
        reaped = Reaped(0, 0)
        while self._ending:
            reaped = self._reply(Reaped)
            self._scratches.pop(self._ending.popleft(), None)
            self.peak = max(self.peak, reaped.peak)
        return reaped

    def _reply(self, kind: type[Reply]) -> Reply:
        while not self._channel.arrived():
            self._await_bytes()
        return self._channel.receive(kind)

    def _descriptors(self, least: int) -> list[int]:
        """The file descriptors that come with a byte: so many, and perhaps one more."""
        self._await_bytes()
        try:
            _, found, _, _ = socket.recv_fds(self._control, 1, least + 1)
        except (ValueError, OSError) as error:
            raise ChannelClosed from error
        if len(found) < least:
            raise ChannelClosed
        return found

    def _await_bytes(self) -> None:
        deadline = time.monotonic() + self._patience
        while not select.select([self._control], [], [], LOOK_EVERY)[0]:
            self._wake()
            if time.monotonic() > deadline:
                self.kill()
                raise ChannelClosed

    @property
    def _patience(self) -> float:
        return SILENT_FOR

    def _wake(self) -> None:
        """It may have been stopped."""

    def kill(self) -> None:
        """End it and its players at once."""
        self._channel.close()


class OwnForkserver(ForkserverClient):
    """A forkserver that this process has started.

    Attributes:
        has_answered: whether its imports have worked.
    """

    def __init__(self) -> None:
        adopt_orphans()  # of a forkserver that is killed
        self._process, control = take_worker()
        super().__init__(control)
        self._is_known = False
        self._imports = True
        self.has_answered = False

    def preload(self, modules: tuple[str, ...]) -> None:
        """Let it import these modules; nobody waits for it."""
        with contextlib.suppress(ChannelClosed):  # who asks for a player will notice
            self._channel.send(Import(modules))
        self._imports = True

    def fork(self) -> PlayerProcess:
        self._meet()
        player = super().fork()
        self.has_answered, self._imports = True, False
        return player

    def contain(self, file: str, hidden: tuple[str, ...]) -> ContainedForkserver:
        """A forkserver in a container; see `Contain`.

        Raises:
            GraderError: there can't be one.
        """
        self._meet()
        self._read_reaped()
        self._channel.send(Contain(file, hidden))
        made = self._reply(Contained)
        if made.problem:
            raise GraderError(
                f"a file could not be graded in a container: {made.problem}",
                "run `grade doctor` to see what the machine lacks",
            )
        (control,) = self._descriptors(1)
        self.has_answered, self._imports = True, False
        return ContainedForkserver(self, made.pid, socket.socket(fileno=control))

    def _meet(self) -> None:
        """See that it is one of ours.

        Raises:
            VersionMismatch: it runs another version of the kit.
        """
        if not self._is_known:
            check_peer(self._reply(Hello))
            self._is_known = True

    @property
    def _patience(self) -> float:
        return IMPORTS_FOR if self._imports else SILENT_FOR

    def _wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

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
        super().kill()
        self._process.kill()
        self._process.wait()
        for pid, scratch in self._scratches.items():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            remove_scratch(scratch)
        self._scratches.clear()
        end_orphans()


class ContainedForkserver(ForkserverClient):
    """A forkserver in a container. Its players have numbers of their own there.

    Args:
        parent: the forkserver that has made it.
        number: the parent's for it.
    """

    def __init__(self, parent: OwnForkserver, number: int, control: socket.socket) -> None:
        super().__init__(control)
        self._parent = parent
        self._number = number

    def end(self) -> None:
        """End all that is in the container; nobody waits for it."""
        super().kill()
        with contextlib.suppress(ChannelClosed):
            self._parent.reap_in_time(self._number)

    def kill(self) -> None:
        self.end()


def _pid_of(descriptor: int) -> int:
    """The process that a descriptor stands for, by its number here."""
    found = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    os.close(descriptor)
    return int(next(line for line in found.splitlines() if line.startswith("Pid:")).split()[1])
