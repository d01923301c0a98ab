"""Sockets that services listen on."""

from __future__ import annotations

import socket


def loopback_socket() -> socket.socket:
    """A TCP socket with a free port of its own on loopback; it does not listen yet."""
    # asyncio turns Nagle's delay off only where it sees that the protocol is TCP. With that
    # delay a second write waits in the kernel for a timer, and the clock would pass it by.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound
