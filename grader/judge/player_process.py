"""A player's process, as the judge sees it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path
from typing import NamedTuple, Protocol

from ..processes.channel import Channel, ChannelClosed
from ..processes.signs import AWAITS_SERVICE, IMPORTS
from ..worker.forkserver import Reaped
from .broker import PlayerBroker

MOST_STACKS = 1 << 20
"""Bytes of stacks and exit report that are read of a player."""


class Parent(Protocol):
    """The forkserver of a player."""

    def reap(self, number: int) -> Reaped: ...
    def reap_in_time(self, number: int) -> None: ...


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
    """A forked player, as the judge sees it.

    Args:
        number: its parent's for it.
        pid: this machine's for it.
    """

    def __init__(
        self,
        parent: Parent,
        number: int,
        pid: int,
        channel: Channel,
        stacks: int,
        broker: PlayerBroker,
    ) -> None:
        self.pid = pid
        self.channel = channel
        self.stacks = stacks
        self._parent = parent
        self._number = number
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
            return self._parent.reap(self._number)
        except ChannelClosed:
            return None

    def end_in_time(self) -> None:
        """Like `end`, without waiting for it."""
        self._let_go()
        with contextlib.suppress(ChannelClosed):
            self._parent.reap_in_time(self._number)

    def _let_go(self) -> None:
        self.channel.close()
        self._broker.close()
        os.close(self.stacks)
