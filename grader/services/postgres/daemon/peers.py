"""Who is at the other end of a Unix socket, as the kernel says it (Linux)."""

from __future__ import annotations

import os
import socket
import struct
import sys
from pathlib import Path
from typing import NamedTuple

_FORMAT = "3i"
_CONFINEMENTS = "NoNewPrivs", "Seccomp_filters"
"""Lines of a process's status whose numbers only ever grow, and that children inherit."""


class Peer(NamedTuple):
    """The process that connected, and its user."""

    pid: int
    uid: int


def peer_of(end: socket.socket) -> Peer | None:
    """The process at the other end; None where the kernel doesn't tell."""
    if sys.platform != "linux":
        return None
    packed = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(_FORMAT))
    pid, uid, _ = struct.unpack(_FORMAT, packed)
    return Peer(pid, uid)


def is_owner(peer: Peer | None) -> bool:
    """Whether a client is the user whose keeper this is, and not code that was shut in.

    Where the kernel doesn't tell, the rights of the socket's directory have told.
    """
    if peer is None:
        return True
    return peer.uid in (0, os.geteuid()) and not _is_shut_in(peer.pid)


def _is_shut_in(pid: int) -> bool:
    """Whether a process may do less than this one. Players are shut in, and what they start."""
    theirs, own = _confinement(f"{pid}"), _confinement("self")
    return any(there > here for there, here in zip(theirs, own, strict=True))


def _confinement(process: str) -> list[int]:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:  # it is gone, or there is no /proc
        lines = []
    found = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return [int(found.get(name, 0)) for name in _CONFINEMENTS]
