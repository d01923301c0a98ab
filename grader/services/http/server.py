"""An HTTP server in the loop of a play, at a real URL on loopback, in exact virtual time.

It has no tasks, and needs no running loop: `go_on` serves by hand while a blocking client
keeps the loop's thread (see `grader.clock.hosts`).
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections import Counter
from contextlib import ExitStack

from ...driver.context import PlayContext
from ...model.scenarios import Reply, Upstream
from ..base.agenda import Agenda
from ..base.sockets import loopback_socket
from .connections import HttpConnection
from .proxies import without_proxies
from .replies import NOT_FOUND

TURNS_TO_SETTLE = 6
"""Turns of the loop in which a client that was closed at shutdown closes its connections."""

BACKLOG = 4096
"""Clients that may connect in one tick. One that is turned away tries again in real time."""


class UpstreamServer:
    """One upstream of one play: a service, and a host of blocking clients.

    Args:
        name: the factory's parameter, by which spans name the upstream.
    """

    def __init__(self, description: Upstream, name: str, context: PlayContext) -> None:
        self.name = name
        self.context = context
        self.loop = context.loop
        self.connect_takes = description.connect
        self.agenda = Agenda(context.loop)
        self._routes = description.routes
        self._answered: Counter[str] = Counter()
        self._refusals = math.inf if description.refuses is None else description.refuses
        self._connections: list[HttpConnection] = []
        self._sock = loopback_socket()
        self._sock.setblocking(False)
        self._address: tuple[str, int] = self._sock.getsockname()
        self._is_listening = False
        self._installed = ExitStack()
        self._installed.enter_context(without_proxies())
        context.clock.hosts.by_address[self._address] = self
        if not self._refusals:
            self._listen()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._address)

    def reply_to(self, method: str, target: str) -> Reply:
        """The next reply to a request; routes with a query or a method go before others."""
        path = target.partition("?")[0]
        for route in (f"{method} {target}", target, f"{method} {path}", path):
            if replies := self._routes.get(route):
                self._answered[route] += 1
                return replies[min(self._answered[route], len(replies)) - 1]
        return NOT_FOUND

    def broken(self, why: str) -> None:
        """The play says nothing of the learner's code: the scenario asks for what cannot be."""
        self.context.broken = f"{self.name}: {why}"

    # As a service

    async def open(self) -> None:
        """Nothing is left to do: a factory may use what it is handed, so it serves already."""

    async def close(self) -> None:
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)
        self.give_back()

    def give_back(self) -> None:
        for connection in self._connections:
            connection.end("open")
        self.context.clock.hosts.by_address.pop(self._address, None)
        self._installed.close()
        if self._is_listening:
            self.loop.remove_reader(self._sock)
        self._is_listening = False
        self._sock.close()

    # As a host

    def before_connect(self) -> None:
        """Refuse, which the kernel does for a port where nobody listens, or begin to listen."""
        if self._refusals:
            self._refusals -= 1
            self._note_refusal()
        elif not self._is_listening:
            self._listen()

    def _listen(self) -> None:
        self._is_listening = True
        self._sock.listen(BACKLOG)
        self.loop.add_reader(self._sock, self._accept)

    def _note_refusal(self) -> None:
        recorder = self.context.recorder
        attempt = recorder.begin(
            "connection", self.name, line=recorder.line_of_call(), task=recorder.task_name()
        )
        recorder.end(attempt, "failed")

    def note(self, sock: socket.socket) -> None:
        self.context.origins.note(sock)

    def go_on(self) -> bool:
        steps = [self._accept(), *(connection.step() for connection in self._connections)]
        return self.agenda.run_due() or any(steps)

    def next_due(self) -> int:
        return self.agenda.next_due()

    def _accept(self) -> bool:
        """Take the clients that have connected; whether there were any."""
        before = len(self._connections)
        while True:
            try:
                sock, (_, port) = self._sock.accept()
            except OSError:  # nobody is waiting, or nobody can be taken
                return len(self._connections) > before
            self._connections.append(HttpConnection(self, sock, port))
