"""A relay between the learner's driver and a real MongoDB server, on the play's clock.

A command waits for as long as it is to take, in virtual time; then the server carries it out,
and everything stands still until it has. So time is exact, and what the database does is real.

As a host the relay has no tasks, and needs no running loop: a blocking client that keeps the
loop's thread is served by hand (see `grader.clock.hosts`). Motor is one when it closes.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

from ...driver.context import PlayContext
from ...model.scenarios import Mongo
from ..base.agenda import Agenda
from ..base.errors import ServiceError
from ..base.faults import Faults
from ..base.sockets import loopback_socket
from .connections import MongoConnection
from .databases import Database, ServerConnection, new_database
from .drivers import quiet_driver, renew_threads_of_motor, take_drivers_tasks_for_its_own

TURNS_TO_SETTLE = 6
"""Turns of the loop in which a connection that was closed at shutdown is seen to be closed."""

BACKLOG = 4096
"""Clients that may connect in one tick. One that is turned away tries again in real time."""


class MongoRelay:
    """One database of one play: a service, and a host of blocking clients.

    Args:
        name: the factory's parameter, by which spans name the database.

    Raises:
        GraderError: there is no server, or it does not take the seed.
    """

    connect_takes = 0.0

    def __init__(self, description: Mongo, name: str, context: PlayContext) -> None:
        self.description = description
        self.name = name
        self.context = context
        self.agenda = Agenda(context.loop)
        self.faults = Faults(description.faults, context)
        self._links: list[MongoConnection] = []
        self._database: Database | None = new_database(description.seed)
        self._installed = ExitStack()
        self._installed.enter_context(quiet_driver())
        self._sock = loopback_socket()
        self._address: tuple[str, int] = self._sock.getsockname()
        self.url = self._database.url_at("{}:{}".format(*self._address))
        if not self.faults.refuses_all:  # else it is bound, and the kernel itself refuses
            self._listen()

    def connect(self) -> ServerConnection:
        """A connection to the server.

        Raises:
            OSError: the server has gone.
        """
        if self._database is None:
            raise ConnectionResetError("the play is over")
        return self._database.connect()

    def lose_server(self, why: object) -> None:
        """The server has broken off, which is never the learner's doing."""
        if self._database is not None and not self.context.broken:
            self.context.broken = str(self._database.lose(why))

    # As a service

    async def open(self) -> None:
        """Nothing else is left to do: a factory may use what it is handed."""
        take_drivers_tasks_for_its_own(self.context)
        renew_threads_of_motor()

    async def close(self) -> None:
        for _ in range(TURNS_TO_SETTLE):
            await asyncio.sleep(0)
        try:
            self._read()
        except ServiceError as error:
            self.context.broken = self.context.broken or str(error)
        self.give_back()

    def _read(self) -> None:
        if self._database is not None:
            for collection in self.description.reads:
                self.context.readings[collection] = self._database.read(collection)

    def give_back(self) -> None:
        for link in self._links:
            link.close("open")
        if self.context.clock.hosts.by_address.pop(self._address, None) is not None:
            self.context.loop.remove_reader(self._sock)
        self._sock.close()
        self._installed.close()
        if self._database is not None:
            self._database.drop()
            self._database = None

    # As a host

    def before_connect(self) -> None:
        """Nothing to do: it listens from the beginning, or never."""

    def note(self, sock: socket.socket) -> None:
        self.context.origins.note(sock)

    def go_on(self) -> bool:
        steps = [self._accept(), *(link.step() for link in self._links)]
        return self.agenda.run_due() or any(steps)

    def next_due(self) -> int:
        return self.agenda.next_due()

    def _listen(self) -> None:
        self._sock.setblocking(False)
        self._sock.listen(BACKLOG)
        self.context.loop.add_reader(self._sock, self._accept)
        self.context.clock.hosts.by_address[self._address] = self

    def _accept(self) -> bool:
        """Take the clients that have connected; whether there were any."""
        before = len(self._links)
        while True:
            try:
                sock, (_, port) = self._sock.accept()
            except OSError:  # nobody is waiting, or nobody can be taken
                return len(self._links) > before
            if self.faults.of_connection() is None:
                self._links.append(MongoConnection(self, sock, port))
            else:
                sock.close()
