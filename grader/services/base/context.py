"""What a service needs of the play that it belongs to. The driver has it."""

from __future__ import annotations

import socket
from collections.abc import Coroutine
from typing import Any, Protocol

from ...clock import Clock, VirtualLoop
from ...model.trace import Ending, Moment, SpanKind


class Sender(Protocol):
    """Where something was sent from: the exchange, the learner's line, the task."""

    @property
    def exchange(self) -> int | None: ...
    @property
    def line(self) -> int | None: ...
    @property
    def task(self) -> str: ...


class Senders(Protocol):
    """The last sender on each client's port."""

    def note(self, end: socket.socket | int) -> None:
        """The running task or thread sends on this socket, or waits for the answer on it."""

    def of(self, port: int) -> Sender:
        """The last sender from this port."""


class OpenSpan(Protocol):
    """A span that has begun and not ended; `facts` are fields of `Span`."""

    start: Moment
    facts: dict[str, Any]


class SpanRecorder(Protocol):
    """Writes down what happens."""

    def moment(self) -> Moment: ...
    def new_resource(self) -> int: ...
    def begin(self, kind: SpanKind, name: str, **facts: Any) -> Any: ...
    def end(self, span: Any, how: Ending, at: Moment | None = None, **facts: Any) -> None: ...
    def task_name(self) -> str: ...
    def line_of_call(self) -> int | None: ...


class ServiceContext(Protocol):
    """A play, as its services see it.

    Attributes:
        is_serving: whether the app has started up.
        broken: why the play says nothing of the learner's code, if a service has failed.
        readings: what the grader has read from a service when the app was down, by query.
    """

    is_serving: bool
    broken: str
    readings: dict[str, object]

    @property
    def recorder(self) -> SpanRecorder: ...
    @property
    def origins(self) -> Senders: ...
    @property
    def loop(self) -> VirtualLoop: ...
    @property
    def clock(self) -> Clock: ...

    def for_caller(self, coroutine: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """The coroutine as one whose steps count as those of the task that runs now."""
