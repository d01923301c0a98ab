"""The embedded MongoDB: `nx-27017`, which keeps everything in memory.

It is called, not connected to. So there is nothing to start, to wait for or to end; a command
is done when the call returns; and each play has a server of its own. It uses no clock.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import bson

from ..base.errors import ServiceError
from ..base.off_clock import off_clock
from .databases import Seed, as_json
from .wire import Document, Message, MessageParser, request, with_id

if TYPE_CHECKING:
    from .nx import Handler

NAME = "course"
ALL = 2**31 - 1


class EmbeddedDatabase:
    """The database of a new server, which is a connection to itself.

    Raises:
        ServiceError: the server is not installed, or does not take the seed.
    """

    def __init__(self, seed: Seed) -> None:
        with off_clock():
            self._handler = _new_handler()
        for name, documents in seed.items():
            self._do({"create": name})
            if documents:
                self._do({"insert": name, "documents": [with_id(one) for one in documents]})

    def url_at(self, host: str) -> str:
        return f"mongodb://{host}/{NAME}?directConnection=true"

    def connect(self) -> EmbeddedDatabase:
        return self

    def ask(self, message: Message) -> Message:
        with off_clock():
            packed = self._handler.answer(message.packed)
        return next(MessageParser().feed(packed))

    def read(self, collection: str) -> list[Any]:
        found = self._do({"find": collection, "batchSize": ALL})
        return [as_json(document) for document in found["cursor"]["firstBatch"]]

    def lose(self, why: object) -> ServiceError:
        return ServiceError(f"The embedded MongoDB has failed: {why}.")

    def close(self) -> None:
        """Nothing to do: other clients may use it still."""

    def drop(self) -> None:
        with off_clock():
            self._handler.close_all()

    def _do(self, command: Document) -> dict[str, Any]:
        said = bson.decode(bson.encode(self.ask(request({**command, "$db": NAME})).document))
        problem = said.get("errmsg") or next(iter(said.get("writeErrors", ())), None)
        if problem:
            raise ServiceError(f"MongoDB refuses what a play needs: {problem}.")
        return said


def _new_handler() -> Handler:
    for name in ("nx_27017", "neosqlite"):  # a learner's failing command need not be logged
        logging.getLogger(name).setLevel(logging.CRITICAL)  # at each play, which sets it back
    try:
        from .nx import Handler
    except ImportError as error:
        raise ServiceError(
            f"There is no embedded MongoDB: {error}.",
            "Install it with `pip install nx-27017`, or set MONGODB_URL to the address of a "
            "MongoDB server of yours.",
        ) from error
    return Handler()
