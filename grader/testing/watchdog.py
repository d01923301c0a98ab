"""Lets a play end whose code waits for a server that runs in the very loop it blocks.

`psycopg.connect(dsn)` in an `async def` waits, within C, for an answer that only the loop
could give. In a process of its own such a play is ended with the process; here, where it
would wait for ever, the connection that it waits for is cut.
"""

from __future__ import annotations

import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ..clock import VirtualLoop
from ..driver.lines import Lines
from ..driver.recorder import Recorder
from ..model.details import CutShort
from ..model.trace import Outcome, Trace

LOOK_EVERY = 0.25
"""Real seconds between two looks."""
IDLE_LOOKS = 8
"""Looks without any CPU time after which a thread is blocked for good."""


class Watchdog:
    """Looks after the thread of one play.

    Attributes:
        line: the learner's line that blocked the loop for good, if one did.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self.line: int | None = None
        self._thread = thread
        self._loop: VirtualLoop | None = None
        self._lines: Lines | None = None
        self._cpu: str | None = None
        self._idle = 0

    def arm(self, recorder: Recorder, loop: VirtualLoop) -> None:
        """Called by the play when its loop is there, before foreign code runs."""
        self._loop, self._lines = loop, recorder.lines

    def join(self) -> None:
        """Wait for the end of the thread, and cut what it waits for in vain."""
        while self._thread.is_alive():
            self._thread.join(LOOK_EVERY)
            line = self._blocked_line()
            if line is not None and self._cut():
                self.line = self.line or line

    def _blocked_line(self) -> int | None:
        cpu = self._cpu_time()
        self._idle = self._idle + 1 if cpu is not None and cpu == self._cpu else 0
        self._cpu = cpu
        frame = sys._current_frames().get(self._thread.ident or 0)
        if self._idle < IDLE_LOOKS or self._lines is None or frame is None:
            return None
        return self._lines.of_stack(frame)

    def _cpu_time(self) -> str | None:
        """The thread's CPU time, as the kernel writes it; None where it does not."""
        try:
            text = Path(f"/proc/self/task/{self._thread.native_id}/stat").read_text("utf-8")
        except OSError:
            return None
        return " ".join(text.rpartition(")")[2].split()[11:13])

    def _cut(self) -> bool:
        """Cut every connection on which somebody waits for the loop; whether there were any."""
        waiting = list(self._unread())
        for own in waiting:
            with own, suppress(OSError):
                if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    own.accept()[0].close()
                else:
                    own.shutdown(socket.SHUT_RDWR)
        return bool(waiting)

    def _unread(self) -> Iterator[socket.socket]:
        """The loop's sockets that hold what it has not read, each under a number of its own."""
        assert self._loop is not None
        for key in tuple((self._loop._selector.get_map() or {}).values()):
            with suppress(OSError):
                if key.fd != self._loop._ssock.fileno():
                    own = socket.socket(fileno=socket.dup(key.fd))
                    if select.select([own], [], [], 0)[0]:
                        yield own
                    else:
                        own.close()


def with_blocked_line(trace: Trace, line: int | None) -> Trace:
    """The trace of a play that only a rescue has brought to its end; else as it is."""
    if line is None:
        return trace
    return msgspec.structs.replace(trace, outcome=Outcome("stuck", line=line, detail=CutShort()))
