"""A database on the user's own server, as a player has it: the broker does what touches it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from ..base.broker import Broker, Done
from ..base.errors import ServiceError
from .connecting import RemoteConnection, lost
from .databases import Seed

KIND = "mongo"
"""Whom the broker asks, as `registry.KINDS` calls it."""


class MakeDatabase(msgspec.Struct, frozen=True, tag="make"):
    """Make a database on the user's server, if there is one."""

    seed: Seed


class OpenConnection(msgspec.Struct, frozen=True, tag="connect"):
    """Open a connection to the server of a database."""

    database: str


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Read the documents of a collection."""

    database: str
    collection: str


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """The database isn't needed any more."""

    database: str


class Made(msgspec.Struct, frozen=True):
    """The answer to `MakeDatabase`.

    Attributes:
        name: of the database; empty if plays have the embedded server.
        url: of it, with `HOST` where the host belongs.
    """

    name: str = ""
    url: str = ""


class Documents(msgspec.Struct, frozen=True):
    """The answer to `Read`."""

    documents: list[Any]


HOST = "host.invalid"


class BrokeredDatabase:
    """A database that the broker has made on the user's server."""

    def __init__(self, outside: Broker, made: Made) -> None:
        self._outside = outside
        self._made = made

    @classmethod
    def made(cls, outside: Broker, seed: Seed) -> BrokeredDatabase | None:
        """A new one, or None if plays have the embedded server.

        Raises:
            ServiceError: the server can't be used, or doesn't take the seed.
        """
        made = outside.ask(KIND, MakeDatabase(seed), Made)
        return cls(outside, made) if made.name else None

    def url_at(self, host: str) -> str:
        return self._made.url.replace(HOST, host)

    def connect(self) -> RemoteConnection:
        wanted = OpenConnection(self._made.name)
        return RemoteConnection(self._outside.ask_for_connection(KIND, wanted, Done)[1])

    def read(self, collection: str) -> list[Any]:
        return self._outside.ask(KIND, Read(self._made.name, collection), Documents).documents

    def lose(self, why: object) -> ServiceError:
        return lost(why)

    def drop(self) -> None:
        with suppress(ServiceError):
            self._outside.ask(KIND, Drop(self._made.name), Done)
