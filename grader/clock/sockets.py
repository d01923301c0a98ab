"""Sockets on the clock: what a blocking call to a server of the play's own does.

Such a server, a `Host`, runs in the play's loop. A thread that waits for its answer is
parked until the answer is there. The loop's own thread would wait for ever: it is the loop
that is to answer. So while it waits the loop stands still, and the host goes on by itself,
as a server elsewhere would.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from ..trace import to_ticks
from .clock import Actor, Clock
from .present import actor_of_this_thread, now_of, tell_of_block

if TYPE_CHECKING:
    from .loop import VirtualLoop


class Host(Protocol):
    """A server that listens on loopback, in the loop of a play.

    Attributes:
        connect_takes: virtual seconds that it takes a client to connect.
    """

    loop: VirtualLoop
    connect_takes: float

    def before_connect(self) -> None:
        """A client is about to connect."""

    def note(self, sock: socket.socket) -> None:
        """A client has connected, or is about to send."""

    def go_on(self) -> bool:
        """Do by hand all that is to be done at this tick; whether there was anything."""

    def next_due(self) -> int | None:
        """The tick at which it will next do something of its own accord."""


hosts: dict[int, Host] = {}
"""The hosts of all plays of this process, by the port that they listen on."""


def host_at(address: object) -> Host | None:
    """The host of the calling thread's play at an address."""
    host = hosts.get(address[1]) if isinstance(address, tuple) else None
    return host if host is not None and host.loop.clock is now_of() else None


async def wait_to_connect(address: object) -> None:
    """Let the time pass that it takes to connect to an address."""
    if host := host_at(address):
        await asyncio.sleep(host.connect_takes)


_real_connect = socket.socket.connect


def _connect(sock: socket.socket, address: Any) -> None:
    host = host_at(address)
    if host is None:
        _real_connect(sock, address)
        return
    if sock.gettimeout() != 0 and host.connect_takes:
        due = host.loop.clock.now + to_ticks(host.connect_takes)
        _wait(sock, lambda: host.loop.clock.now >= due, due, "socket.connect")
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
        if _blocks_for(sock) and not _is_readable(sock):
            _wait(sock, lambda: _is_readable(sock), None, "socket.recv")
        return real(sock, *args)

    return receive


def _blocks_for(sock: socket.socket) -> Host | None:
    """The host that a call on this socket would block for."""
    if not hosts or sock.gettimeout() == 0:
        return None
    with suppress(OSError):  # it is not connected
        return host_at(sock.getpeername())
    return None


def _is_readable(sock: socket.socket) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _wait(sock: socket.socket, ready: Callable[[], bool], due: int | None, what: str) -> None:
    """Wait for a host until `ready`, or until the socket's own timeout.

    Args:
        due: the tick at which it will be ready; None if the host has to bring it about.

    Raises:
        TimeoutError: as the real call does.
    """
    clock = now_of()
    assert clock is not None
    start, timeout, on_loop = clock.now, sock.gettimeout(), clock.is_home()
    deadline = clock.horizon if timeout is None else start + to_ticks(timeout)
    pause = _go_on_without_loop if on_loop else _park
    while not ready() and clock.now < min(deadline, clock.horizon):
        pause(clock, sock, min(deadline, due or deadline))
    if clock.now > start:
        tell_of_block(clock, what, start, on_loop)
    if not ready():
        raise TimeoutError("timed out")


def _park(clock: Clock, sock: socket.socket, until: int) -> None:
    """Park the calling thread until its socket has something to read."""
    actor = actor_of_this_thread(clock)
    with _woken_by(sock, actor, clock):
        clock.park(actor, until)


@contextmanager
def _woken_by(sock: socket.socket, actor: Actor, clock: Clock) -> Iterator[None]:
    try:
        peer = sock.getpeername()
    except OSError:  # it is not connected yet
        yield
        return
    loop = hosts[peer[1]].loop

    def wake() -> None:
        loop.remove_reader(sock)
        clock.wake(actor)

    # The loop is idle while a thread has the turn, so this is as good as done by itself.
    loop.add_reader(sock, wake)
    try:
        yield
    finally:
        loop.remove_reader(sock)


def _go_on_without_loop(clock: Clock, _: socket.socket, until: int) -> None:
    """One step of the world around the loop's thread: a host's, or a moment's."""
    around = [host for host in hosts.values() if host.loop.clock is clock]
    if not any([host.go_on() for host in around]):
        dues = [due for host in around if (due := host.next_due()) is not None]
        with clock.working():
            clock.block_until(lambda: False, min([*dues, until]))


_ON_CLOCK: dict[str, Callable[..., Any]] = {
    "connect": _connect,
    "send": _sending(socket.socket.send),
    "sendall": _sending(socket.socket.sendall),
    "recv": _receiving(socket.socket.recv),
    "recv_into": _receiving(socket.socket.recv_into),
}


@contextmanager
def sockets_on_clock() -> Iterator[None]:
    """Put blocking calls to the hosts of every play on its clock; others are left alone."""
    before = {name: vars(socket.socket).get(name) for name in _ON_CLOCK}
    for name, function in _ON_CLOCK.items():
        setattr(socket.socket, name, function)
    try:
        yield
    finally:
        for name, function in before.items():
            if function is None:  # it is inherited from the type that is written in C
                delattr(socket.socket, name)
            else:
                setattr(socket.socket, name, function)
