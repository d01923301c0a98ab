"""The sockets that a loop waits at: which lead out of the play, and who has spoken last.

A server elsewhere that was asked something owes an answer. What is sent to a socket within
the play arrives at once, and whatever answers there lives by the clock.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .real_time import monotonic

HALF_ANSWERED = 0.2
"""How much of its patience is left for a server that has sent something: there may be more."""

_SEGMENTS_SENT = struct.Struct("=156xI")
"""`tcpi_data_segs_out` in Linux' `struct tcp_info`."""


class Connections:
    """The connections of one loop to what is not in its play.

    Args:
        patience: real seconds for an answer.
        has_children: whether there are processes that may have inherited an end of a pair.
    """

    def __init__(self, patience: float, has_children: Callable[[], bool] = lambda: False) -> None:
        self._patience = patience
        self._has_children = has_children
        self._asked: dict[int, float] = {}
        self._sent: dict[int, int] = {}
        self._watched: set[int] = set()
        self._own: set[Any] = set()
        self._answered: set[int] = set()

    def add_own(self, listening: socket.socket) -> None:
        """What listens there is a part of the play."""
        with suppress(OSError):
            self._own.add(_address(listening.getsockname()))

    @property
    def any(self) -> bool:
        """Whether there is one that may be owed an answer."""
        return bool(self._watched)

    def watch(self, file: int) -> None:
        """The loop begins to wait at a socket."""
        with borrowed(file) as sock:
            if sock is None:
                return
            if _listens(sock):
                self.add_own(sock)
                return
        self._watched.add(file)
        self._asked[file] = monotonic()

    def unwatch(self, file: int) -> None:
        """The loop waits there no more."""
        self._watched.discard(file)
        self._asked.pop(file, None)
        self._sent.pop(file, None)

    def heard(self, file: int) -> None:
        """Something has come."""
        if file in self._watched:
            self._asked[file] = monotonic() - self._patience * (1 - HALF_ANSWERED)

    def ask(self, files: Iterable[int]) -> None:
        """A thread begins to wait at files. What has not answered it before is given no more
        patience than it had then."""
        for file in set(files) - (self._watched - self._answered):
            self.watch(file)
        self._answered.difference_update(files)

    def answered(self, files: Iterable[int]) -> None:
        """What a thread has waited for at files has come."""
        self._answered.update(files)

    def owe(self, patience: float) -> bool:
        """Whether one was asked something less than so many real seconds ago."""
        for file in [file for file in self._watched if not self.leads_outside(file)]:
            self.unwatch(file)
        for file in self._watched:
            self._notice_what_was_sent(file)
        return any(monotonic() - asked < patience for asked in self._asked.values())

    def _notice_what_was_sent(self, file: int) -> None:
        sent = _segments_sent(file)
        if sent != self._sent.setdefault(file, sent):
            self._sent[file] = sent
            self._asked[file] = monotonic()

    def leads_outside(self, file: int) -> bool:
        """Whether a descriptor is a connection to what is not in this play."""
        with borrowed(file) as sock:
            return sock is None or self._leads_outside(sock)

    def _leads_outside(self, sock: socket.socket) -> bool:
        if _listens(sock):
            return False
        with suppress(OSError):
            ends = [_address(end) for end in (sock.getsockname(), sock.getpeername())]
            if not any(ends):  # a pair of Unix sockets
                return self._has_children() or _peer_process(sock) != os.getpid()
            return not any(self._is_own(end) for end in ends)
        return True  # it is not connected yet, or is not made for connections

    def _is_own(self, address: Any) -> bool:
        if not isinstance(address, tuple):
            return address in self._own
        return any((host, address[1]) in self._own for host in (address[0], "0.0.0.0", "::"))


def _address(name: Any) -> Any:
    """Host and port, or the path of a Unix socket, which is empty for one that has none."""
    return name[:2] if isinstance(name, tuple) else name


def _listens(sock: socket.socket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


@contextmanager
def borrowed(file: int) -> Iterator[socket.socket | None]:
    """A socket by its descriptor; None if that is something else."""
    try:
        sock = socket.socket(fileno=file)
    except OSError:
        yield None
        return
    try:
        yield sock
    finally:
        sock.detach()


def _peer_process(sock: socket.socket) -> int:
    """The process at the other end; this one where the system doesn't say (macOS)."""
    if not hasattr(socket, "SO_PEERCRED"):
        return os.getpid()
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _segments_sent(file: int) -> int:
    """How many packets with data a TCP connection has sent; 0 for other sockets."""
    with borrowed(file) as sock:
        if sock is not None and sock.type == socket.SOCK_STREAM:
            with suppress(OSError, struct.error, AttributeError):
                size = _SEGMENTS_SENT.size
                facts = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, size)
                return int(_SEGMENTS_SENT.unpack(facts)[0])
    return 0
