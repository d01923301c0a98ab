"""The relay's own session at the real server, for one client. It takes real time only."""

from __future__ import annotations

import socket
import struct
from collections import deque
from contextlib import suppress

from ..base.off_clock import off_clock
from .daemon.leases import Lease
from .logins import Login
from .wire import TERMINATE, Frame, FrameParser

PATIENCE = 0.01
"""Real seconds after which an answer is late, and it is time to see what it waits for."""
LIMIT = 30.0
"""Real seconds in which a server lets go of a connection."""
MOST_AT_ONCE = 2**18


class ServerSession:
    """A connection to the server.

    Attributes:
        last_heard: the type of the last message that has come.
        pid: the server's process.
        settings: what the server has said of its settings, by name.

    Args:
        sock: on which it has begun.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        with off_clock():
            self._sock.settimeout(PATIENCE)
        self._parser = FrameParser(first_packet=False)
        self._heard: deque[Frame] = deque()
        self.last_heard = 0
        self.pid = 0
        self.settings: dict[bytes, bytes] = {}

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
    """A session that no client has begun: it is logged in, with the password of the lease."""

    def __init__(self, login: Login) -> None:
        super().__init__(login.sock)
        self._login = login
        self.pid = login.pid
        self.settings = dict(login.settings)

    def cancel(self) -> None:
        """Ask the server to end what it does for this session."""
        with off_clock():
            self._login.cancel()

    def close(self) -> None:
        super().close()
        with off_clock():
            self._login.close()


def send_alone(lease: Lease, first_packet: Frame) -> None:
    """Send the server a packet that has no answer, on a connection of its own."""
    with off_clock(), suppress(OSError), lease.connect(first_packet.packed[1:]) as sock:
        sock.recv(1)
