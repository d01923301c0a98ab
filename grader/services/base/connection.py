"""A client's connection to a host: its bytes, its spans, and what is to be done for it next."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

from ...clock.loop import Timer
from ...model.trace import Ending, SpanKind
from .agenda import Agenda
from .context import OpenSpan, Sender, ServiceContext
from .pipe import Pipe


class ConnectedTo(Protocol):
    """What a connection needs of its host."""

    name: str
    agenda: Agenda
    context: ServiceContext
    connections: list[Any]


class ClientConnection:
    """A connection, from the moment it is accepted to its end.

    Args:
        port: the client's own, by which it is known who sends.

    Attributes:
        life: the span of the connection, once it is recorded.
        resource: the number that the spans of this connection have in common.
    """

    def __init__(self, host: ConnectedTo, sock: socket.socket, port: int) -> None:
        self._host = host
        self._port = port
        self._timer: Timer | None = None
        self.recorder = host.context.recorder
        self.resource: int | None = None
        self.life: OpenSpan | None = None
        self.pipe = Pipe(host.context.loop, sock, self.receive)

    def receive(self, data: bytes) -> None:
        """Bytes have come; none at all if the client has gone."""
        raise NotImplementedError

    def step(self) -> bool:
        """Take and send what there is, without the loop; whether there was anything."""
        return self.pipe.step()

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do one thing after so many virtual seconds, unless the connection is closed first."""
        self._timer = self._host.agenda.after(seconds, action)

    def cancel_timer(self) -> None:
        """Do not do that any more."""
        if self._timer is not None:
            self._host.agenda.cancel(self._timer)

    # Spans

    def sender(self) -> Sender:
        """The sender of what came last."""
        return self._host.context.origins.of(self._port)

    def begin(self, kind: SpanKind, sender: Sender, *arguments: Any) -> OpenSpan:
        """Begin a span of this connection."""
        span: OpenSpan = self.recorder.begin(
            kind,
            self._host.name,
            resource=self.resource,
            arguments=arguments,
            **facts_of(sender),
        )
        return span

    def begin_life(self, sender: Sender) -> OpenSpan:
        """Begin the span of the connection itself."""
        self.resource = self.recorder.new_resource()
        self.life = self.begin("connection", sender)
        return self.life

    def end_spans(self, how: Ending) -> None:
        """End what is recorded of the connection and of what goes on in it."""
        if self.life is not None:
            self.recorder.end(self.life, how)

    # Its end

    def close(self, how: Ending) -> None:
        """Close it.

        Args:
            how: `done` if the client has closed it, `failed` if it is lost, `open` if the app
                never closed it.
        """
        self.cancel_timer()
        self.end_spans(how)
        self.pipe.close()
        self.forget()

    def forget(self) -> None:
        """The host has nothing more to do with it."""
        if self in self._host.connections:
            self._host.connections.remove(self)


def facts_of(sender: Sender) -> dict[str, Any]:
    """The fields of a span that say where something was sent from."""
    return {"exchange": sender.exchange, "line": sender.line, "task": sender.task}
