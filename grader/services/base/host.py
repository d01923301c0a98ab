"""A server of a play: it listens on loopback, and lives by the play's clock.

It has no tasks, and needs no running loop. While the loop runs, that calls it when bytes come
and when a timer is due; while a blocking client keeps the loop's thread, `go_on` does the same
in its place (see `grader.clock.hosts`).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ...model.services import Outage
from .agenda import Agenda
from .connection import ClientConnection
from .context import ServiceContext
from .sockets import loopback_socket

TURNS_TO_SETTLE = 20
"""Turns of the loop in which a client that was closed at shutdown closes its connections."""

BACKLOG = 4096
"""Clients that may connect in one tick. One that is turned away tries again in real time."""

AnyConnection = TypeVar("AnyConnection", bound=ClientConnection)


class ServiceHost(Generic[AnyConnection]):
    """One service of one play. Its port is its own from the beginning.

    Args:
        name: the factory's parameter, by which spans name the service.

    Attributes:
        connect_takes: virtual seconds that it takes a client to connect.
        connections: those that are open, in the order in which they were opened.
    """

    connect_takes = 0.0

    def __init__(self, name: str, context: ServiceContext) -> None:
        self.name = name
        self.context = context
        self.agenda = Agenda(context.loop)
        self.connections: list[AnyConnection] = []
        self._sock = loopback_socket()
        self._sock.setblocking(False)
        self.address: tuple[str, int] = self._sock.getsockname()
        self._is_listening = False
        context.clock.hosts.by_address[self.address] = self
        context.clock.hosts.loop = context.loop

    # What each kind of service does its own way

    @property
    def given(self) -> object:
        """What the factory is handed."""
        raise NotImplementedError

    def connected(self, sock: socket.socket, port: int) -> AnyConnection | None:
        """A client has connected from this port: its connection, unless it is turned away."""
        raise NotImplementedError

    def read(self) -> None:
        """Read what the scenario asks for. The app is down; connections may still be open."""

    def clear_up(self) -> None:
        """Release what else there is. May be called twice."""

    # For the play

    async def open(self) -> None:
        """The app is about to start up. A factory may have used what it was handed already."""

    def end_clients(self) -> None:
        """The process of the app has ended, and with it what it had open."""
        for connection in list(self.connections):
            connection.close("open")

    async def close(self) -> None:
        """The app is down: read, and release everything."""
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)
        while self.go_on():
            pass
        self.read()
        self.release()

    def release(self) -> None:
        """Release everything at once, whatever has happened. May be called twice."""
        self.end_clients()
        self.context.clock.hosts.by_address.pop(self.address, None)
        if self._is_listening:
            self._is_listening = False
            self.context.loop.remove_reader(self._sock)
        self._sock.close()
        self.clear_up()

    def fail(self, why: object) -> None:
        """The play says nothing of the learner's code: something that it needs has failed."""
        self.context.broken = self.context.broken or str(why)

    # For the clock

    def before_connect(self) -> None:
        """A client is about to connect."""

    def note(self, end: socket.socket | int) -> None:
        self.context.origins.note(end)

    def go_on(self) -> bool:
        moved = [self._accept(), *(each.step() for each in list(self.connections))]
        return self.agenda.run_due() or any(moved)

    def next_due(self) -> int:
        return self.agenda.next_due()

    # Clients

    def listen(self) -> None:
        """Take clients from now on; before, the kernel refuses them."""
        if not self._is_listening:
            self._is_listening = True
            self._sock.listen(BACKLOG)
            self.context.loop.add_reader(self._sock, self._accept)

    def stop_listening(self) -> None:
        """Take no clients from now on, until `listen` is called again: the kernel refuses them."""
        if self._is_listening:
            self._is_listening = False
            self.context.loop.remove_reader(self._sock)
            self._sock.close()
            self._sock = loopback_socket(self.address[1])
            self._sock.setblocking(False)

    def plan(self, outages: Iterable[Outage], go_away: Callable[[], object]) -> None:
        """Let the server be away at these times.

        Args:
            go_away: cuts off who is connected, and stops listening.
        """
        for outage in outages:
            self.agenda.after(outage.at, go_away)
            self.agenda.after(outage.at + outage.seconds, self.listen)

    def _accept(self) -> bool:
        """Take the clients that have connected; whether there were any."""
        any_came = False
        while True:
            try:
                sock, (_, port) = self._sock.accept()
            except OSError:  # no client is waiting, or none can be taken
                return any_came
            any_came = True
            connection = self.connected(sock, port)
            if connection is None:
                sock.close()
            else:
                self.connections.append(connection)
