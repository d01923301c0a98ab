"""A loopback network in memory: sockets, and a table of what descriptors they have.

An `End` is what a kernel would hold of a socket; a `Socket` is what Python code has of it, by its
descriptor. What is sent is there at once. A blocking call lets other stacks run meanwhile.
"""

from __future__ import annotations

import errno
import io
import os
import socket
import struct
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Any

from . import stacks
from .stacks import Stack

Address = tuple[str, int]

FIRST_DESCRIPTOR, FIRST_PORT = 5_000, 50_000
LOCAL = {"localhost": "127.0.0.1", "127.0.0.1": "127.0.0.1", "": "127.0.0.1", "0.0.0.0": "0.0.0.0"}

_descriptors, _ports = count(FIRST_DESCRIPTOR), count(FIRST_PORT)
files: dict[int, Any] = {}
"""By descriptor, what is open: an `End`, or a selector. Each can say whether it `is_readable`."""
_listening: dict[Address | str, End] = {}


def open_file(thing: Any) -> int:
    """A descriptor for it."""
    descriptor = next(_descriptors)
    files[descriptor] = thing
    return descriptor


def number_of(source: Any) -> int:
    """The descriptor of something: that itself, or what has one."""
    return source if isinstance(source, int) else int(source.fileno())


def is_readable(source: Any) -> bool:
    """Whether reading from it would give something at once."""
    thing = files.get(number_of(source))
    return thing is not None and bool(thing.is_readable())


class End:
    """One end of a connection, or a listening socket."""

    def __init__(self) -> None:
        self.name: Address | str | None = None
        self.peer_name: Address | str | None = None
        self.peer: End | None = None
        self.unread = bytearray()
        self.has_ended = self.is_shut = self.is_closed = self.is_listening = False
        self.arrivals: deque[End] = deque()
        self.options: dict[tuple[int, int], Any] = {}
        self._waiting: list[Stack] = []

    def is_readable(self) -> bool:
        return bool(self.unread or self.has_ended or self.arrivals or self.is_closed)

    def is_writable(self) -> bool:
        return self.peer is not None

    def wait(self) -> None:
        """Let others run until there is something to read."""
        while not self.is_readable():
            self._waiting.append(stacks.current())
            try:
                stacks.pause()
            finally:
                if stacks.current() in self._waiting:
                    self._waiting.remove(stacks.current())

    def ring(self) -> None:
        """Something has come: the stacks that wait for it look again."""
        waiting, self._waiting = self._waiting, []
        for stack in waiting:
            stacks.make_ready(stack)

    def end_peer(self) -> None:
        """Let the other side read the end of what was sent."""
        if self.peer is not None:
            self.peer.has_ended = True
            self.peer.ring()

    def close(self) -> None:
        self.is_closed = True
        if self.is_listening and self.name is not None:
            _listening.pop(self.name, None)
        for arrived in self.arrivals:
            arrived.close()
        self.end_peer()
        self.ring()


class Socket:
    """As `socket.socket`: of IPv4 and TCP, and of a pair."""

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        self.family = socket.AF_INET if family == -1 else socket.AddressFamily(family)
        self.type = socket.SOCK_STREAM if type == -1 else socket.SocketKind(type & 0xF)
        self.proto = max(proto, 0)
        self._timeout = socket.getdefaulttimeout()
        self._io_refs = 0
        self._is_closing = False
        if fileno is None:
            self._end: End = End()
            self._fd = open_file(self._end)
        else:
            self._end, self._fd = _end_of(fileno), fileno

    def __repr__(self) -> str:
        return f"<socket {self._fd} {self._end.name} -> {self._end.peer_name}>"

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # What it is

    def fileno(self) -> int:
        return self._fd

    @property
    def timeout(self) -> float | None:
        return self._timeout

    def gettimeout(self) -> float | None:
        return self._timeout

    def settimeout(self, seconds: float | None) -> None:
        self._timeout = seconds

    def setblocking(self, flag: bool) -> None:
        self._timeout = None if flag else 0.0

    def getblocking(self) -> bool:
        return self._timeout != 0

    def setsockopt(self, level: int, name: int, value: Any, *_: int) -> None:
        self._end.options[level, name] = value

    def getsockopt(self, level: int, name: int, size: int = 0) -> Any:
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return int(self._end.is_listening)
        if (level, name) == (socket.SOL_SOCKET, socket.SO_PEERCRED):
            return struct.pack("3i", os.getpid(), 0, 0)
        if size:
            return bytes(size)
        return self._end.options.get((level, name), 0)

    def getsockname(self) -> Any:
        return ("0.0.0.0", 0) if self._end.name is None else self._end.name

    def getpeername(self) -> Any:
        if self._end.peer_name is None or self._end.is_closed:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        return self._end.peer_name

    def get_inheritable(self) -> bool:
        return False

    def set_inheritable(self, inheritable: bool) -> None:
        pass

    # A server's

    def bind(self, address: Address) -> None:
        host, port = address[:2]
        name = LOCAL.get(host, host), port or next(_ports)
        if name in _listening:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
        self._end.name = name

    def listen(self, backlog: int = 128) -> None:
        if self._end.name is None:
            self.bind(("", 0))
        assert self._end.name is not None
        self._end.is_listening = True
        _listening[self._end.name] = self._end

    def accept(self) -> tuple[Socket, Any]:
        self._await_something()
        if not self._end.arrivals:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        arrived = self._end.arrivals.popleft()
        accepted = type(self)(self.family, self.type, self.proto, open_file(arrived))
        return accepted, arrived.peer_name

    # A client's

    def connect(self, address: Any) -> None:
        ours, listening = self._end, _listener_at(address)
        if ours.peer is not None:
            raise OSError(errno.EISCONN, os.strerror(errno.EISCONN))
        if listening is None:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        theirs = End()
        ours.name = ours.name or ("127.0.0.1", next(_ports))
        ours.peer_name = theirs.name = listening.name
        theirs.peer_name = ours.name
        ours.peer, theirs.peer = theirs, ours
        listening.arrivals.append(theirs)
        listening.ring()

    def connect_ex(self, address: Any) -> int:
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EINVAL
        return 0

    # Both sides'

    def send(self, data: Any, flags: int = 0) -> int:
        end = self._open_end()
        if end.peer is None:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if end.peer.is_closed or end.is_shut:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        sent = bytes(data)
        end.peer.unread += sent
        end.peer.ring()
        return len(sent)

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.send(data, flags)

    def sendmsg(self, buffers: Iterable[Any], *_: Any) -> int:
        return self.send(b"".join(map(bytes, buffers)))

    def recv(self, size: int, flags: int = 0) -> bytes:
        end = self._open_end()
        if end.peer is None and not end.is_listening:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        self._await_something(flags)
        got = bytes(end.unread[:size])
        if not flags & socket.MSG_PEEK:
            del end.unread[:size]
        return got

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        view = memoryview(buffer).cast("B")
        got = self.recv(nbytes or len(view), flags)
        view[: len(got)] = got
        return len(got)

    def shutdown(self, how: int) -> None:
        end = self._open_end()
        if end.peer is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        if how in (socket.SHUT_WR, socket.SHUT_RDWR):
            end.is_shut = True
            end.end_peer()
        if how in (socket.SHUT_RD, socket.SHUT_RDWR):
            end.has_ended = True
            end.ring()

    def close(self) -> None:
        self._is_closing = True
        if self._io_refs == 0:
            self._really_close()

    def detach(self) -> int:
        descriptor, self._fd = self._fd, -1
        return descriptor

    def dup(self) -> Socket:
        return type(self)(self.family, self.type, self.proto, open_file(self._end))

    def makefile(self, mode: str = "r", buffering: int | None = None, **options: Any) -> Any:
        raw = socket.SocketIO(self, "rw")  # type: ignore[arg-type]
        self._io_refs += 1
        if set(mode) >= {"r", "w"}:
            return io.BufferedRWPair(raw, raw)
        if buffering == 0:
            return raw
        file: Any = io.BufferedReader(raw) if "r" in mode else io.BufferedWriter(raw)
        return file if "b" in mode else io.TextIOWrapper(file, **options)

    def _decref_socketios(self) -> None:
        self._io_refs = max(self._io_refs - 1, 0)
        if self._is_closing:
            self.close()

    def _really_close(self) -> None:
        if self._fd == -1:
            return
        files.pop(self._fd, None)
        self._fd = -1
        if not any(thing is self._end for thing in files.values()):
            self._end.close()

    def _open_end(self) -> End:
        if self._fd == -1:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._end

    def _await_something(self, flags: int = 0) -> None:
        end = self._open_end()
        if not end.is_readable() and self._timeout is None and not flags & socket.MSG_DONTWAIT:
            end.wait()
        elif not end.is_readable() and self._timeout:
            stacks.wait_until(end.is_readable, self._timeout)
            if not end.is_readable():
                raise TimeoutError("timed out")
        if not end.is_readable():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _end_of(descriptor: int) -> End:
    end = files.get(descriptor)
    if not isinstance(end, End):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    return end


def _listener_at(address: Any) -> End | None:
    if not isinstance(address, tuple):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    host, port = LOCAL.get(address[0]), address[1]
    if host is None:
        raise OSError(errno.ENETUNREACH, "a browser has no network but that of the play")
    return _listening.get((host, port)) or _listening.get(("0.0.0.0", port))


def pair(*_: object, **__: object) -> tuple[Socket, Socket]:
    """As `socket.socketpair`."""
    one, other = Socket(), Socket()
    one._end.peer, other._end.peer = other._end, one._end
    one._end.name = one._end.peer_name = other._end.name = other._end.peer_name = ""
    return one, other


def create_connection(
    address: Address, timeout: Any = None, source_address: Any = None, **_: Any
) -> Socket:
    """As `socket.create_connection`."""
    sock = Socket()
    if timeout is None or isinstance(timeout, int | float):
        sock.settimeout(timeout)
    sock.connect(address)
    return sock


def getaddrinfo(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, ...]]:
    """As `socket.getaddrinfo`, of this host alone."""
    name = host.decode() if isinstance(host, bytes) else host or ""
    if name not in LOCAL:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (LOCAL[name], int(port or 0)))]


def install() -> None:
    """Let `socket` give these."""
    given = {
        "socket": Socket,
        "SocketType": Socket,
        "socketpair": pair,
        "create_connection": create_connection,
        "getaddrinfo": getaddrinfo,
        "AF_UNIX": 1,  # which there are none of
        "SO_REUSEADDR": 2,  # Linux's, as are the constants that there are
        "SO_REUSEPORT": 15,
        "dup": lambda descriptor: open_file(_end_of(descriptor)),
    }
    for name, value in given.items():
        setattr(socket, name, value)
