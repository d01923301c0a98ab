"""MongoDB outside of a play: a database for `grade serve`, in real time."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .databases import Database, ServerConnection, new_database
from .quirks import as_of_stand_alone, refusal
from .wire import Message, MessageParser, answer

_HOST = "127.0.0.1"
_CHUNK = 65536


@contextmanager
def serve(seed: str) -> Iterator[str]:
    """A database, begun with documents, for as long as the block lasts; its URL.

    Args:
        seed: JSON: the documents of each collection, by its name.

    Raises:
        ServiceError: there is no server, or it refuses the documents.
    """
    database = new_database(json.loads(seed))
    try:
        with _Server(database) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield database.url_at(f"{_HOST}:{server.server_address[1]}")
            finally:
                server.shutdown()
    finally:
        database.drop()


class _Server(socketserver.ThreadingTCPServer):
    """Hands messages on to a database, one at a time."""

    daemon_threads = True

    def __init__(self, database: Database) -> None:
        super().__init__((_HOST, 0), _Client)
        self.database = database
        self.turn = threading.Lock()


class _Client(socketserver.BaseRequestHandler):
    """One client's connection."""

    server: _Server

    def handle(self) -> None:
        parser, database = MessageParser(), self.server.database.connect()
        try:
            while data := self.request.recv(_CHUNK):
                for message in parser.feed(data):
                    reply = self._carried_out(database, message)
                    if message.wants_answer:
                        self.request.sendall(reply.packed)
        except ConnectionError:
            pass  # the client has left
        finally:
            database.close()

    def _carried_out(self, database: ServerConnection, message: Message) -> Message:
        if refused := refusal(message.document):
            return answer(message, refused)
        with self.server.turn:
            reply = database.ask(message.answered_once())
        return as_of_stand_alone(message.document, reply)
