"""Databases on the user's own server for one player, from outside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from ..base.broker import Brought, Done
from ..base.errors import ServiceError
from .brokered import HOST, Documents, Drop, Made, MakeDatabase, OpenConnection, Read
from .databases import Seed

if TYPE_CHECKING:
    from .remote import UsersDatabase

MOST_DATABASES = 8
"""That a player may have at a time."""


def prepare() -> None:
    """Import what there is to import, before anything is played."""
    if os.environ.get("MONGODB_URL"):
        from . import remote  # noqa: F401


class MongoBroker:
    """Makes databases for a player, where MONGODB_URL names a server, and connects it to them."""

    def __init__(self) -> None:
        self._databases: dict[str, UsersDatabase] = {}

    def answer(self, request: bytes) -> Brought:
        match msgspec.json.decode(request, type=MakeDatabase | OpenConnection | Read | Drop):
            case MakeDatabase(seed):
                return Brought(self._make(seed))
            case OpenConnection(name):
                return Brought(Done(), self._known(name).connection())
            case Read(name, collection):
                return Brought(Documents(self._known(name).read(collection)))
            case Drop(name):
                self._databases.pop(name).drop()
        return Brought(Done())

    def _make(self, seed: Seed) -> Made:
        url = os.environ.get("MONGODB_URL")
        if not url:
            return Made()
        if len(self._databases) >= MOST_DATABASES:
            raise ServiceError(f"A play may have {MOST_DATABASES} databases.", "Use fewer.")
        from .remote import UsersDatabase  # only where there is such a server

        made = UsersDatabase(url, seed)
        self._databases[made.name] = made
        return Made(made.name, made.url_at(HOST))

    def _known(self, name: str) -> UsersDatabase:
        if name not in self._databases:
            raise ServiceError("There is no such database.")
        return self._databases[name]

    def close(self) -> None:
        for each in self._databases.values():
            each.drop()
        self._databases.clear()
