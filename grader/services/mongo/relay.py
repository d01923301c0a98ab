"""A relay between the learner's driver and a MongoDB server, on the play's clock.

A command waits for as long as it is to take, in virtual time; then the server carries it out,
and everything stands still until it has. So time is exact.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack

from ...model.scenarios import Mongo
from ..base.context import ServiceContext
from ..base.errors import ServiceError
from ..base.faults import Faults
from ..base.host import ServiceHost
from ..base.quiet import quiet
from .connections import MongoConnection
from .databases import Database, ServerConnection, new_database
from .drivers import take_drivers_tasks_for_its_own
from .private import renew_threads_of_motor


class MongoRelay(ServiceHost[MongoConnection]):
    """One database of one play.

    Raises:
        GraderError: there is no server, or it does not take the seed.
    """

    def __init__(self, description: Mongo, name: str, context: ServiceContext) -> None:
        self._database: Database | None = new_database(description.seed)
        super().__init__(name, context)
        self.description = description
        self.faults = Faults(description.faults, context)
        self._installed = ExitStack()
        self._installed.enter_context(quiet("pymongo"))
        self._url = self._database.url_at("{}:{}".format(*self.address))
        if not self.faults.refuses_all:
            self.listen()

    @property
    def given(self) -> str:
        return self._url

    def connected(self, sock: socket.socket, port: int) -> MongoConnection | None:
        return MongoConnection(self, sock, port) if self.faults.of_connection() is None else None

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
        if self._database is not None:
            self.fail(self._database.lose(why))

    async def open(self) -> None:
        take_drivers_tasks_for_its_own(self.context)
        renew_threads_of_motor()
        self.plan(self.description.outages, self._go_away)

    def _go_away(self) -> None:
        """The server goes away: who is connected is cut off, and the next ones are refused."""
        self.stop_listening()
        for connection in list(self.connections):
            connection.be_cut()

    def read(self) -> None:
        if self._database is None:
            return
        try:
            for collection in self.description.reads:
                self.context.readings[collection] = self._database.read(collection)
        except ServiceError as error:
            self.fail(error)

    def clear_up(self) -> None:
        self._installed.close()
        if self._database is not None:
            self._database.drop()
            self._database = None
