"""Sockets on the clock: blocking calls to a host of the play's own.

Where the loop's own thread makes one, the loop is blocked, while the host goes on and time
passes, as in life. Another thread is parked until the answer is there. Either way the
timeout of the socket is over on the clock.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .clock import Actor, Clock
from .current import current_actor, current_clock, report_block
from .hosts import Host, is_readable
from .patching import put_back

_real_connect = socket.socket.connect
_real_accept = socket.socket.accept


def host_at(address: object) -> Host | None:
    """The host of the calling thread's play at an address."""
    clock = current_clock()
    if clock is None or not isinstance(address, tuple):
        return None
    return clock.hosts.by_address.get(address[:2])


def _clock() -> Clock:
    clock = current_clock()
    assert clock is not None
    return clock


async def wait_to_connect(address: object) -> None:
    """Let the time pass that it takes to connect to an address."""
    host = host_at(address)
    if host is not None and host.connect_takes:
        await asyncio.sleep(host.connect_takes)


def park_until(actor: Actor, ready: Callable[[], bool], until: int | None) -> None:
    """Park the calling thread until a tick, or until something is ready."""
    clock = _clock()
    clock.hosts.reading[actor] = ready
    try:
        clock.park(actor, until)
    finally:
        clock.hosts.reading.pop(actor, None)


def without_delay(sock: socket.socket) -> None:
    """Let small writes go out at once. Nagle's delay would hold them back in real time."""
    if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM:
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _accept(listening: socket.socket) -> Any:
    clock = current_clock()
    if clock is None:
        return _real_accept(listening)
    clock.outside.connections.add_own(listening)
    if listening.gettimeout() or (listening.gettimeout() is None and clock.is_home()):
        _wait_to_read(listening)
    accepted = _real_accept(listening)
    without_delay(accepted[0])
    return accepted


def _connect(sock: socket.socket, address: Any) -> None:
    host = host_at(address)
    if host is None:
        _real_connect(sock, address)
        if current_clock() is not None:
            without_delay(sock)
        return
    if sock.gettimeout() != 0:
        _wait_to_connect(sock, host.connect_takes)
    host.before_connect()
    try:
        _real_connect(sock, address)
    finally:
        host.note(sock)


def _sending(real: Callable[..., Any]) -> Callable[..., Any]:
    def send(sock: socket.socket, *args: Any) -> Any:
        if host := _blocks_for(sock):
            host.note(sock)
        return real(sock, *args)

    return send


def _receiving(real: Callable[..., Any]) -> Callable[..., Any]:
    def receive(sock: socket.socket, *args: Any) -> Any:
        if _blocks_for(sock) or _waits_within_play(sock):
            _wait_to_read(sock)
        return real(sock, *args)

    return receive


def _blocks_for(sock: socket.socket) -> Host | None:
    """The host that a call on this socket would wait for."""
    if current_clock() is None or sock.gettimeout() == 0:
        return None
    with suppress(OSError):  # it is not connected
        return host_at(sock.getpeername())
    return None


def _waits_within_play(sock: socket.socket) -> bool:
    """Whether a call on this socket ends by its timeout, or by what the play itself sends."""
    clock = current_clock()
    return (
        clock is not None
        and bool(sock.gettimeout())
        and not clock.outside.connections.leads_outside(sock.fileno())
    )


def _wait_to_connect(sock: socket.socket, seconds: float) -> None:
    clock, timeout = _clock(), sock.gettimeout()
    start, on_loop = clock.now, clock.is_home()
    wait = seconds if timeout is None else min(seconds, timeout)
    if not wait:
        return
    if on_loop:
        clock.block(wait)
    else:
        clock.park(current_actor(clock), clock.after(wait))
    report_block(clock, "socket.connect", start, on_loop)
    if wait == timeout:
        raise TimeoutError("timed out")


def _wait_to_read(sock: socket.socket) -> None:
    clock = _clock()
    start, on_loop = clock.now, clock.is_home()
    wait_until_readable(sock, sock.gettimeout())
    if clock.now > start:
        report_block(clock, "socket.recv", start, on_loop)
    if not is_readable(sock):
        raise TimeoutError("timed out")


def wait_until_readable(source: socket.socket | int, timeout: float | None) -> None:
    """Block the calling thread until there is something to read, or the time is up.

    Args:
        source: a socket, or the file descriptor of a selector.
        timeout: seconds on the clock that the thread uses; None is for ever.
    """
    wait_until(lambda: is_readable(source), timeout)


def wait_until(ready: Callable[[], bool], timeout: float | None) -> None:
    """Block the calling thread until something is ready to be read or written, or the time is up.

    Args:
        timeout: seconds on the clock that the thread uses; None is for ever.
    """
    clock = _clock()
    deadline = None if timeout is None else clock.after(timeout)
    if clock.is_home():
        _block_until(clock, ready, deadline)
        return
    while not ready() and (deadline is None or clock.now < deadline):
        park_until(current_actor(clock), ready, deadline)


def _block_until(clock: Clock, ready: Callable[[], bool], deadline: int | None) -> None:
    with clock.working():
        clock.block_until(ready, deadline)
    if deadline is None and not ready():
        clock.block(math.inf)  # nothing will ever come: the play is over


_ON_CLOCK: dict[str, Callable[..., Any]] = {
    "accept": _accept,
    "connect": _connect,
    "send": _sending(socket.socket.send),
    "sendall": _sending(socket.socket.sendall),
    "recv": _receiving(socket.socket.recv),
    "recv_into": _receiving(socket.socket.recv_into),
}


@contextmanager
def sockets_on_clock() -> Iterator[None]:
    """Put blocking calls to the hosts of every play on its clock; others are left alone."""
    with put_back(socket.socket, *_ON_CLOCK):  # some are inherited from a type written in C
        for name, function in _ON_CLOCK.items():
            setattr(socket.socket, name, function)
        yield
