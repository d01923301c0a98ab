"""Servers of a play's own, and the threads that wait for what they send.

Such a server runs in the play's loop. A blocking call that waits for it on the loop's own
thread would wait for ever, because the loop itself has to answer. So while that thread is
blocked the loop stands still, and the clock drives its hosts, as if they were elsewhere.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from ..model.trace import NEVER


class Host(Protocol):
    """A server that listens on loopback.

    Attributes:
        connect_takes: virtual seconds that it takes a client to connect.
    """

    connect_takes: float

    def before_connect(self) -> None:
        """A client is about to connect."""

    def note(self, end: socket.socket | int) -> None:
        """A client has connected, is about to send, or has sent and waits for the answer."""

    def go_on(self) -> bool:
        """Do what is due by now. Returns whether there was anything."""

    def next_due(self) -> int:
        """The tick at which it will next do something by itself; `NEVER` if it won't."""


Thread = TypeVar("Thread")


class Hosts(Generic[Thread]):
    """The hosts of one play.

    Args:
        wake: called with a waiting thread when there is something for it to read.

    Attributes:
        by_address: the hosts, by the IP address and port that each listens on.
        reading: whether there is something to read, for each thread that waits for that.
        loop: the loop that calls the hosts while it runs.
    """

    def __init__(self, wake: Callable[[Thread], None]) -> None:
        self._wake = wake
        self.by_address: dict[tuple[str, int], Host] = {}
        self.reading: dict[Thread, Callable[[], bool]] = {}
        self.loop: object = None

    def go_on(self) -> bool:
        """Let a host act, or a thread hear of it. Returns whether there was anything to do."""
        return self.wake_readers() or any(host.go_on() for host in self.by_address.values())

    def settle(self) -> None:
        """Let them do all that is to be done by now."""
        while self.go_on():
            pass

    def next_due(self) -> int:
        """The tick at which the next of them will do something by itself."""
        return min([host.next_due() for host in self.by_address.values()], default=NEVER)

    def wake_readers(self) -> bool:
        """Wake the threads that have something to read; whether there were any."""
        ready = [thread for thread, is_ready in self.reading.items() if is_ready()]
        for thread in ready:
            del self.reading[thread]
            self._wake(thread)
        return bool(ready)


def is_readable(source: socket.socket | int) -> bool:
    """Whether reading from a socket, or asking a selector, would give something at once."""
    poll = select.poll()
    poll.register(source, select.POLLIN)
    return bool(poll.poll(0))
