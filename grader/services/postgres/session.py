"""The relay's own session at the real server, for one client. It takes real time only."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections import deque
from contextlib import suppress

import msgspec

from ..base.off_clock import off_clock
from .daemon.messages import Address
from .wire import ASKS_FOR_TLS, TERMINATE, Frame, FrameParser

PATIENCE = 0.01
"""Real seconds after which an answer is late, and it is time to see what it waits for."""
LIMIT = 30.0
"""Real seconds in which a server takes up a connection, and lets one go."""
MOST_AT_ONCE = 2**18


class ServerSession:
    """A connection to the server.

    Attributes:
        last_heard: the type of the last message that has come.
        pid: the server's process.
        settings: what the server has said of its settings, by name.

    Raises:
        OSError: the server cannot be reached.
    """

    def __init__(self, address: Address) -> None:
        with off_clock():
            self._sock = self._connect(address)
            self._sock.settimeout(PATIENCE)
        self._parser = FrameParser(first_packet=False)
        self._heard: deque[Frame] = deque()
        self.last_heard = 0

    def _connect(self, address: Address) -> socket.socket:
        self.pid = 0
        self.settings: dict[bytes, bytes] = {}
        return connect(address)

    def send(self, message: bytes) -> None:
        """Send a message, whatever its size.

        Raises:
            OSError: the server has hung up.
        """
        rest = memoryview(message)
        with off_clock():
            while rest:
                try:
                    rest = rest[self._sock.send(rest) :]
                except TimeoutError:  # it may want to get rid of an answer first
                    self._hear()

    def next(self) -> Frame | None:
        """The next message of the server's, or None if it is late.

        Raises:
            OSError: the server has hung up.
        """
        if not self._heard:
            with off_clock():
                self._hear()
        return self._heard.popleft() if self._heard else None

    def _hear(self) -> None:
        with suppress(TimeoutError):
            data = self._sock.recv(MOST_AT_ONCE)
            if not data:
                raise ConnectionResetError
            for frame in self._parser.feed(data):
                self._note(frame)
                self._heard.append(frame)
        if self._heard:
            self.last_heard = self._heard[-1].type

    def _note(self, frame: Frame) -> None:
        if frame.type == ord("K"):
            (self.pid,) = struct.unpack_from("!I", frame.body)
        elif frame.type == ord("S"):
            name, value, *_ = frame.body.split(b"\0")
            self.settings[name] = value

    def leave(self) -> None:
        """Say goodbye, and wait until the server has let go of the session and its locks."""
        with off_clock(), suppress(OSError):
            self._sock.sendall(TERMINATE)
            self._sock.settimeout(LIMIT)
            self._sock.shutdown(socket.SHUT_WR)
            while self._sock.recv(MOST_AT_ONCE):
                pass
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._sock.close()


class PooledSession(ServerSession):
    """A session that no client has begun: it is logged in, with the password of the address.

    libpq logs in, and is done then. A server that insists on TLS can't be spoken to past it.
    """

    def _connect(self, address: Address) -> socket.socket:
        from psycopg import pq

        dsn = msgspec.structs.replace(address, sslmode="disable").dsn
        self._login = pq.PGconn.connect(dsn.encode())
        if self._login.status != pq.ConnStatus.OK:
            raise ConnectionRefusedError(self._login.error_message.decode("utf-8", "replace"))
        self.pid = self._login.backend_pid
        known = {name: self._login.parameter_status(name) for name in TRACKED}
        self.settings = {name: value for name, value in known.items() if value is not None}
        return socket.socket(fileno=os.dup(self._login.socket))

    def cancel(self) -> None:
        """Ask the server to end what it does for this session."""
        with off_clock(), suppress(Exception):
            self._login.get_cancel().cancel()

    def close(self) -> None:
        super().close()
        self._login.finish()


TRACKED = (
    b"client_encoding",
    b"DateStyle",
    b"TimeZone",
    b"standard_conforming_strings",
    b"application_name",
    b"IntervalStyle",
)
"""What PgBouncer keeps for each client, as the server tells it of each change."""


def send_alone(address: Address, first_packet: Frame) -> None:
    """Send the server a packet that has no answer, on a connection of its own."""
    with off_clock(), suppress(OSError), connect(address) as sock:
        sock.sendall(first_packet.packed[1:])
        sock.recv(1)


def connect(address: Address) -> socket.socket:
    """A blocking socket to the server, over TLS if that is asked for and offered.

    Raises:
        OSError: the server cannot be reached.
    """
    if address.socket_path is None:
        return _connect_over_tcp(address)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(LIMIT)
    try:
        sock.connect(address.socket_path)
    except OSError:
        sock.close()
        raise
    return sock


def _connect_over_tcp(address: Address) -> socket.socket:
    sock = socket.create_connection((address.host, address.port), LIMIT)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if address.sslmode != "disable":
            sock.sendall(ASKS_FOR_TLS)
            return _encrypted(sock) if sock.recv(1) == b"S" else sock
    except OSError:
        sock.close()
        raise
    return sock


def _encrypted(sock: socket.socket) -> ssl.SSLSocket:
    """TLS as libpq does it by default. Whether the server is the right one, the keeper has seen."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)
