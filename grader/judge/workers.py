"""The judge's side of the processes: starts the forkserver, asks it for players.

A play can stop or kill the forkserver, for both belong to the same user. One that is
stopped is woken; one that is dead, or does not answer, is replaced, and the players that
died with it are distinguished from those that died of what they played.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar

from ..model.errors import GraderError
from ..processes.channel import ChannelClosed
from ..worker.messages import Load
from .forkservers import ContainedForkserver, OwnForkserver
from .player_process import PlayerProcess

MOST_CONTAINERS = 3
"""That are tried for one player."""

Made = TypeVar("Made")


class PlayerSource(Protocol):
    """What makes players."""

    def fork(self) -> PlayerProcess:
        """A new player.

        Raises:
            GraderError: there can't be one.
        """


class Worker:
    """A forkserver at all times. Starting it returns at once; it imports while the judge does.

    Attributes:
        peak: KiB of memory of the largest player so far.
    """

    def __init__(self) -> None:
        self._parent = OwnForkserver()
        self._modules: tuple[str, ...] = ()
        self._is_closed = False
        self._peak = 0

    @property
    def peak(self) -> int:
        return max(self._peak, self._parent.peak)

    def preload(self, modules: tuple[str, ...]) -> None:
        """Import these modules once for all players to come, which would import them each."""
        new = tuple(module for module in modules if module not in self._modules)
        if new:
            self._modules += new
            self._parent.preload(new)

    def fork(self) -> PlayerProcess:
        """A new player."""
        return self._asked(OwnForkserver.fork)

    def contain(self, file: str, hidden: tuple[str, ...]) -> ContainedForkserver:
        """A forkserver in a container of its own; see `Contain`.

        Raises:
            GraderError: there can't be one.
        """
        return self._asked(lambda parent: parent.contain(file, hidden))

    def _asked(self, ask: Callable[[OwnForkserver], Made]) -> Made:
        try:
            return ask(self._parent)
        except ChannelClosed as error:
            if self._is_closed or not self._parent.has_answered:
                raise GraderError(
                    "the worker process could not be started",
                    "run `python -c 'import fastapi, blockbuster'` to see whether they are "
                    "installed",
                ) from error
        self._replace_parent()
        return self._asked(ask)

    def _replace_parent(self) -> None:
        self._peak = self.peak
        self._parent.kill()
        self._parent = OwnForkserver()
        self._parent.preload(self._modules)

    def close(self) -> None:
        """End the worker and every player of it."""
        self._is_closed = True
        self._parent.close()


class ContainedWorker:
    """Forks the players of one file, all of them in one container.

    Args:
        load: the file.
    """

    def __init__(self, worker: Worker, load: Load) -> None:
        self._worker = worker
        self._load = load
        self._parent: ContainedForkserver | None = None

    def fork(self) -> PlayerProcess:
        """A new player.

        Raises:
            GraderError: there can't be a container, or none lasts.
        """
        for _ in range(MOST_CONTAINERS):
            if self._parent is None:
                self._parent = self._worker.contain(self._load.path, self._load.hidden)
            with contextlib.suppress(ChannelClosed):
                return self._parent.fork()
            self.close()
        raise GraderError("the container of a file ends again and again", "please report this")

    def load(self, load: Load) -> None:
        """Fork players of another file from now on, in a new container."""
        self.close()
        self._load = load

    def close(self) -> None:
        """End all that is in the container."""
        if self._parent is not None:
            self._parent.end()
        self._parent = None
