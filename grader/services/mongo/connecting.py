"""A client's connection to a server of the user's own."""

from __future__ import annotations

import socket

from ..base.errors import ServiceError
from ..base.off_clock import off_clock
from .wire import Message, MessageParser


class RemoteConnection:
    """A connection of one client's. It takes real time only."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._parser = MessageParser()

    def ask(self, message: Message) -> Message:
        """The answer to a request.

        Raises:
            OSError: the server has gone, or takes too long.
        """
        with off_clock():
            self._sock.sendall(message.packed)
            while data := self._sock.recv(65536):
                for reply in self._parser.feed(data):
                    return reply
        raise ConnectionResetError("it has closed the connection")

    def close(self) -> None:
        """Let go of it."""
        self._sock.close()


def lost(why: object) -> ServiceError:
    """What to say of a server that has broken off."""
    return ServiceError(
        f"The server of MONGODB_URL went away in the middle of a play: {why}.",
        "Run it again when the server is there.",
    )
