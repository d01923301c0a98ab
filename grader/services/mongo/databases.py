"""Where a play's MongoDB database is: on the embedded server, or on one of the user's."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ..base.broker import broker
from ..base.errors import ServiceError
from .wire import Message

Seed = Mapping[str, Sequence[Mapping[str, Any]]]
"""The documents that a database begins with, by collection."""


class ServerConnection(Protocol):
    """One client's connection to the server. All that it does takes real time only."""

    def ask(self, message: Message) -> Message:
        """The answer to a request.

        Raises:
            OSError: the server has gone, or takes too long.
        """

    def close(self) -> None:
        """Let go of it."""


class Database(Protocol):
    """A database that only one play uses, until it is dropped."""

    def url_at(self, host: str) -> str:
        """The URL of this database, if its server could be reached at `host`."""

    def connect(self) -> ServerConnection:
        """A new connection to its server.

        Raises:
            OSError: the server has gone.
        """

    def read(self, collection: str) -> list[Any]:
        """The documents of a collection. What JSON has no form for is text.

        Raises:
            ServiceError: the server has gone, or refuses.
        """

    def lose(self, why: object) -> ServiceError:
        """The server has broken off: use it no more. What to say of that."""

    def drop(self) -> None:
        """Give it back. If its server has gone, there is nothing to drop."""


def new_database(seed: Seed) -> Database:
    """A new database, with nothing in it but the seed.

    Raises:
        ServiceError: there is no server, or it does not take the seed.
    """
    # Only a play that needs one of them pays for it.
    if outside := broker():
        from .brokered import BrokeredDatabase

        return BrokeredDatabase.made(outside, seed) or _embedded(seed)
    if url := os.environ.get("MONGODB_URL"):
        from .remote import UsersDatabase

        return UsersDatabase(url, seed)
    return _embedded(seed)


def _embedded(seed: Seed) -> Database:
    from .embedded import EmbeddedDatabase

    return EmbeddedDatabase(seed)


def as_json(value: Any) -> Any:
    """A document as JSON can hold it."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool | None) else str(value)
