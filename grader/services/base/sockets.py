"""Sockets that services listen on."""

from __future__ import annotations

import socket


def loopback_socket(port: int = 0) -> socket.socket:
    """A TCP socket that does not listen yet: on a free port of loopback, or on this one again."""
    # asyncio turns Nagle's delay off only where it sees that the protocol is TCP. With that
    # delay a second write waits in the kernel for a timer, and the clock would pass it by.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # So that a host can listen again where clients are still connected.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
