"""The judge's side of the processes: starts the warm parent, asks it for players."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from ..errors import GraderError
from ..worker.channel import Channel, ChannelClosed
from ..worker.zygote import Fork, Forked, Reap, Reaped
from .spawn import spawned


class Worker:
    """The warm parent. Starting it returns at once; it imports while the judge does.

    Attributes:
        peak: KiB of memory of the largest player so far.
    """

    def __init__(self) -> None:
        self._process, ours = spawned()
        self._control = ours
        self._unread = 0
        self._channel = Channel(ours)
        self.peak = 0

    def fork(self) -> PlayerProcess:
        """A new player."""
        try:
            self._read_reaped()
            self._channel.send(Fork())
            forked = self._channel.receive(Forked)
            _, descriptors, _, _ = socket.recv_fds(self._control, 1, 2)
            end, stacks = descriptors
        except (ChannelClosed, ValueError, OSError) as error:
            raise GraderError(
                "the worker process could not be started",
                "run `python -c 'import fastapi, blockbuster'` to see whether they are installed",
            ) from error
        return PlayerProcess(self, forked.pid, Channel(socket.socket(fileno=end)), stacks)

    def reap(self, pid: int) -> Reaped:
        """End a player and see how it ended."""
        try:
            self.reap_in_time(pid)
            return self._read_reaped()
        except ChannelClosed:
            return Reaped(signal.SIGKILL, 0)

    def reap_in_time(self, pid: int) -> None:
        """Let a player be ended; nobody waits for it."""
        self._channel.send(Reap(pid))
        self._unread += 1

    def _read_reaped(self) -> Reaped:
        reaped = Reaped(0, 0)
        while self._unread:
            self._unread -= 1
            reaped = self._channel.receive(Reaped)
            self.peak = max(self.peak, reaped.peak)
        return reaped

    def close(self) -> None:
        """End the worker and every player of it."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
            return
        self._process.kill()
        self._process.wait()


class PlayerProcess:
    """A forked player, as the judge sees it."""

    def __init__(self, worker: Worker, pid: int, channel: Channel, stacks: int) -> None:
        self.pid = pid
        self.channel = channel
        self._worker = worker
        self._stacks = stacks

    def cpu_ticks(self) -> int | None:
        """CPU time used so far, in kernel ticks; None if it cannot be known."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return int(fields[11]) + int(fields[12])

    def dump_stacks(self) -> str:
        """The stacks of all threads, as `faulthandler` writes them, if it still can."""
        import select

        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGUSR1)
        parts = []
        while select.select([self._stacks], [], [], 0.2)[0]:
            part = os.read(self._stacks, 65536)
            if not part:
                break
            parts.append(part)
        return b"".join(parts).decode("utf-8", "replace")

    def end(self) -> Reaped:
        """Close the channel and see the process end, with all that it started."""
        self._let_go()
        return self._worker.reap(self.pid)

    def end_in_time(self) -> None:
        """Like `end`, without waiting for it."""
        self._let_go()
        with contextlib.suppress(ChannelClosed):
            self._worker.reap_in_time(self.pid)

    def _let_go(self) -> None:
        self.channel.close()
        os.close(self._stacks)
