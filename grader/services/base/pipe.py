"""A server's end of a connection: bytes in, bytes out, with the loop or without it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ...clock import VirtualLoop

MOST_AT_ONCE = 65_536


class Pipe:
    """A socket that never blocks, and keeps what the client is too slow to take.

    Args:
        on_data: called with what has come; with nothing when the client is gone.
    """

    def __init__(
        self, loop: VirtualLoop, sock: socket.socket, on_data: Callable[[bytes], None]
    ) -> None:
        self._loop = loop
        self._sock = sock
        self._on_data = on_data
        self._unsent = bytearray()
        self._is_ending = False
        self.is_closed = False
        sock.setblocking(False)
        # With Nagle's delay a second write waits in the kernel, in real time.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.add_reader(sock, self.receive)

    def step(self) -> bool:
        """Take and send what there is, without the loop; whether there was anything."""
        return not self.is_closed and (self.receive() or self.flush())

    def receive(self) -> bool:
        """Hand on all that has come; whether anything has."""
        # How much of it comes at once depends on how the kernel sizes its buffers, in real
        # time. Which client is heard first must not depend on it.
        received = False
        while not self.is_closed and (data := self._read()) is not None:
            received = True
            self._on_data(data)
        return received

    def _read(self) -> bytes | None:
        try:
            return self._sock.recv(MOST_AT_ONCE)
        except BlockingIOError:
            return None
        except OSError:  # the client has cut it
            return b""

    def send(self, data: bytes) -> None:
        """Send, at once or as soon as the client takes it."""
        if not self.is_closed:
            self._unsent += data
            self.flush()

    def flush(self) -> bool:
        """Send what is still to be sent, as far as the client takes it; whether any went."""
        before = len(self._unsent)
        if self._send_some():
            self._loop.remove_writer(self._sock)
            if self._is_ending:
                self.close()
        else:
            self._loop.add_writer(self._sock, self.flush)
        return len(self._unsent) < before

    def _send_some(self) -> bool:
        """Send what the client takes; whether that is all."""
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent)]
        except BlockingIOError:
            return False
        except OSError:  # the client is gone; reading will show it
            self._unsent.clear()
        return True

    def end(self) -> None:
        """Close it as soon as all is sent."""
        self._is_ending = True
        if not self.is_closed:
            self.flush()

    def close(self) -> None:
        """Close it now."""
        if not self.is_closed:
            self.is_closed = True
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
