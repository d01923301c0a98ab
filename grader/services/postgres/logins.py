"""Sessions at the server that no client has begun, for a pooler."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Protocol

import msgspec

from .daemon.messages import Address

TRACKED = (
    b"client_encoding",
    b"DateStyle",
    b"TimeZone",
    b"standard_conforming_strings",
    b"application_name",
    b"IntervalStyle",
)
"""What PgBouncer keeps for each client, as the server tells it of each change."""


class Login(Protocol):
    """A session that has been begun.

    Attributes:
        sock: on which it goes on.
        pid: the server's process.
        settings: what the server has said of those that are `TRACKED`.
    """

    sock: socket.socket
    pid: int
    settings: dict[bytes, bytes]

    def cancel(self) -> None:
        """Ask the server to end what it does for this session."""

    def close(self) -> None:
        """End it."""


class LibpqLogin:
    """A session that libpq has logged in to, with the password of an address.

    A server that insists on TLS can't be spoken to past it.

    Raises:
        OSError: the server can't be reached, or refuses.
    """

    def __init__(self, address: Address) -> None:
        from psycopg import pq

        dsn = msgspec.structs.replace(address, sslmode="disable").dsn
        self._connection = pq.PGconn.connect(dsn.encode())
        if self._connection.status != pq.ConnStatus.OK:
            said = self._connection.error_message.decode("utf-8", "replace")
            raise ConnectionRefusedError(said)
        self.pid = self._connection.backend_pid
        known = {name: self._connection.parameter_status(name) for name in TRACKED}
        self.settings = {name: value for name, value in known.items() if value is not None}
        self.sock = socket.socket(fileno=os.dup(self._connection.socket))

    def cancel(self) -> None:
        with suppress(Exception):
            self._connection.get_cancel().cancel()

    def close(self) -> None:
        self.sock.close()
        self._connection.finish()
