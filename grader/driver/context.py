"""What a play is set up with: where it is written down, and the services that run in it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..clock import Clock, VirtualLoop
from .origins import Origins
from .recorder import Recorder
from .waits import Watched


class Service(Protocol):
    """A server that the learner's code reaches over a socket, in the play's own loop.

    It is made when the app is built, and serves from then on: a factory may use what it is
    handed.
    """

    @property
    def given(self) -> object:
        """What the factory is handed, such as the address."""

    async def open(self) -> None:
        """The app is about to start up."""

    def end_clients(self) -> None:
        """The process of the app has ended, and with it what it had open."""

    async def close(self) -> None:
        """The app is down: close what is still open, and release everything."""

    def release(self) -> None:
        """Release everything at once, whatever has happened. May be called twice."""


class PlayContext:
    """The loop of a play, its recorder, and its services in the order they were made in.

    Attributes:
        is_serving: whether the app has started up.
        handed: what the factory is handed, by parameter; None until that is built.
        broken: why the play says nothing of the learner's code, if a service has failed.
        readings: what the grader has read from a service when the app was down, by query.
    """

    def __init__(self, recorder: Recorder, loop: VirtualLoop) -> None:
        self.recorder = recorder
        self.loop = loop
        self.origins = Origins(recorder)
        self.services: list[Service] = []
        self.handed: dict[str, Any] | None = None
        self.is_serving = False
        self.broken = ""
        self.readings: dict[str, object] = {}

    @property
    def clock(self) -> Clock:
        return self.recorder.clock

    def for_caller(self, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The coroutine as one whose steps count as those of the task that runs now."""
        recorder = self.recorder
        return Watched(coroutine, recorder.task_name(), recorder.line_of_call(), recorder)

    def add(self, service: Service) -> object:
        """Let a service be part of the play; what the factory is handed of it."""
        self.services.append(service)
        return service.given

    async def open(self) -> None:
        if self.services:
            self.loop.on_write = self.origins.note
        for service in self.services:
            await service.open()

    def end_clients(self) -> None:
        for service in self.services:
            service.end_clients()

    async def close(self) -> None:
        for service in reversed(self.services):
            await service.close()

    def release(self) -> None:
        for service in reversed(self.services):
            service.release()


NewService = Callable[[Any, str, PlayContext], Service]
"""Makes the service of a description, by the name of the factory's parameter."""
