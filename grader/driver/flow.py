"""What lies unread between the app and its client, and when that makes a `send` wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LOW = 4
"""A `send` that waits goes on when the buffer is down to this part of it (asyncio's rule)."""


class Flow:
    """A server's write buffer, and a client that reads it at its own speed.

    It needs a running loop, whose clock it uses.

    Args:
        buffer: bytes that may lie unread before `send` waits.
        reads: bytes that the client reads in a second; None is all at once, 0 nothing.

    Attributes:
        writable: set while a `send` need not wait.
    """

    def __init__(self, buffer: int, reads: float | None) -> None:
        self.writable = asyncio.Event()
        self.writable.set()
        self._loop = asyncio.get_running_loop()
        self._buffer = buffer
        self._reads = reads
        self._unread = 0.0
        self._looked = self._loop.time()

    def add(self, size: int, when_read: Callable[[], object] = lambda: None) -> None:
        """Bytes have been sent.

        Args:
            when_read: called when the client has read them and all that was sent before.
        """
        if self._reads is None:
            when_read()
            return
        self._let_read()
        self._unread += size
        if self._reads:
            self._loop.call_later(self._unread / self._reads, when_read)
        if self._unread > self._buffer:
            self.writable.clear()
            self._go_on_later()

    def stop_reading(self) -> None:
        """The client reads nothing from now on."""
        self._let_read()
        self._reads = 0.0

    def let_go(self) -> None:
        """The connection is over: no `send` waits for it any more."""
        self.writable.set()

    def _let_read(self) -> None:
        now = self._loop.time()
        self._unread = max(0.0, self._unread - (self._reads or 0.0) * (now - self._looked))
        self._looked = now

    def _go_on_later(self) -> None:
        if self._reads:
            too_much = self._unread - self._buffer / LOW
            self._loop.call_later(too_much / self._reads, self._go_on)

    def _go_on(self) -> None:
        self._let_read()
        if self._unread <= self._buffer / LOW + 1:
            self.writable.set()
        else:  # more was sent meanwhile
            self._go_on_later()
