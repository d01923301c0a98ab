"""Where the bytes that a service receives come from: a task, its exchange, the learner's line.

A service sees bytes on a socket, long after the call that wrote them. So each write of a
client's socket is noted when it happens, by the port that the service will see.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import NamedTuple

from ..clock.connections import borrowed
from .recorder import Recorder, current_exchange


class Origin(NamedTuple):
    """Where a write came from; nothing is known of one that no task of the play made."""

    exchange: int | None = None
    line: int | None = None
    task: str = ""


class Origins:
    """The last writer to each client socket, by its local port."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._by_port: dict[int, Origin] = {}

    def note(self, end: socket.socket | int) -> None:
        """The running task has written, or is about to read the answer."""
        port = _local_port(end)
        if port is not None:
            self._by_port[port] = self._here()

    def _here(self) -> Origin:
        recorder, exchange = self._recorder, current_exchange.get()
        if asyncio._get_running_loop() is None or asyncio.current_task() is not None:
            return Origin(exchange, recorder.line_of_call(), recorder.task_name())
        # A callback of a library's. A task waits for its result.
        waits = [s for s in recorder.open.values() if s.facts["kind"] == "wait"]
        facts = next((s.facts for s in reversed(waits) if s.facts["exchange"] == exchange), {})
        return Origin(exchange, facts.get("line"), facts.get("task", ""))

    def of(self, port: int) -> Origin:
        return self._by_port.get(port, Origin())


def _local_port(end: socket.socket | int) -> int | None:
    with contextlib.suppress(OSError):
        if not isinstance(end, int):
            return _port_in(end.getsockname())
        with borrowed(end) as sock:
            return _port_in(sock.getsockname()) if sock is not None else None
    return None


def _port_in(address: object) -> int | None:
    return int(address[1]) if isinstance(address, tuple) else None
