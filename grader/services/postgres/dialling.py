"""Connections to a real server, over a Unix socket, TCP or TLS."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from .daemon.messages import Address
from .wire import ASKS_FOR_TLS

if TYPE_CHECKING:  # where there is no TLS, it isn't imported
    import ssl

LIMIT = 30.0
"""Real seconds in which a server takes up a connection."""
MOST_AT_ONCE = 2**16


def connect(address: Address, first_packet: bytes) -> socket.socket:
    """A blocking socket to the server, over TLS if that is asked for and offered.

    Args:
        first_packet: what is sent on it at once.

    Raises:
        OSError: the server cannot be reached.
    """
    path = address.socket_path
    sock = _connect_over_tcp(address) if path is None else _connect_to_path(path)
    try:
        sock.sendall(first_packet)
    except OSError:
        sock.close()
        raise
    return sock


def _connect_to_path(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(LIMIT)
    try:
        sock.connect(path)
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
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def handed_over(sock: socket.socket) -> socket.socket:
    """A socket that another process can go on with. TLS goes on here, in a thread."""
    if type(sock) is socket.socket:
        return sock
    ours, theirs = socket.socketpair()
    threading.Thread(target=_pass_on, args=(sock, ours), daemon=True).start()
    return theirs


def _pass_on(encrypted: ssl.SSLSocket, plain: socket.socket) -> None:
    """Pass on what either side says, until one of them hangs up."""
    with encrypted, plain, suppress(OSError):
        while True:
            ready = encrypted.pending() or select.select([encrypted, plain], [], [])[0]
            if ready != [plain]:
                said = encrypted.recv(MOST_AT_ONCE)
                plain.sendall(said)
            else:
                said = plain.recv(MOST_AT_ONCE)
                encrypted.sendall(said)
            if not said:
                return
