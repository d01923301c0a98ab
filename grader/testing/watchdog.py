"""Brings every play to an end, in real time.

A play in a process of its own ends with that process. Here, in a thread, one that computes
and computes is interrupted, and a connection that it waits at in C, for a server that runs in
the very loop it blocks, is cut. A thread that does not come back from C is abandoned: all that
the play had replaced is put back, and nothing waits for it any more.

Code in C that keeps the interpreter's lock for itself stops this thread, too, and nothing in
Python can interrupt it. Then `faulthandler`, which needs no lock, writes where it is, and ends
the process: a test run that says where it hung is better than one that hangs. So it does if
nothing goes on outside the code that is played, which would be a fault of ours.
"""

from __future__ import annotations

import ctypes
import faulthandler
import select
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from ..clock import RanAway, VirtualLoop
from ..clock.clock import PlayOver
from ..clock.real_time import monotonic
from ..clock.threads import start_in_real_time
from ..driver.recorder import Recorder
from ..model.trace import Outcome, OutcomeKind, Trace
from ..processes.threads import work_of

LOOK_EVERY = 0.25
"""Real seconds between two looks."""
COMPUTES = 4.0
"""Seconds on a processor without a turn of the loop after which it will never end."""
IS_BLOCKED = 2.0
"""Real seconds without any work after which what it waits at is cut."""
IS_LOST = 5.0
"""Real seconds after which a thread that cannot be helped is abandoned, unless a scenario has more
patience with what is elsewhere."""

IS_HUNG = 60.0
"""Real seconds in which nothing that could be helped goes on, after which the process is ended."""


class Watchdog:
    """Looks after the thread of one play.

    Attributes:
        outcome: how the play has ended, if it could not end by itself.
        is_abandoned: whether its thread is left to itself.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self.outcome: Outcome | None = None
        self.is_abandoned = False
        self._thread = thread
        self._recorder: Recorder | None = None
        self._loop: VirtualLoop | None = None
        self._moment: tuple[object, ...] = ()
        self._work = self._work_before = 0.0
        self._idle_since = monotonic()
        self._ended_at: float | None = None

    def arm(self, recorder: Recorder, loop: VirtualLoop) -> None:
        """Called by the play when its loop is there, before foreign code runs."""
        self._recorder, self._loop = recorder, loop

    def run(self) -> None:
        """Start the thread, and wait for its end, or for the moment when it is given up."""
        # Before the thread starts: once it has the interpreter's lock it may never let go of it.
        _end_process_unless_called_again()
        try:
            start_in_real_time(self._thread)
            while self._is_needed():
                self._thread.join(LOOK_EVERY)
                if self._recorder is None or self._loop is None:
                    _end_process_unless_called_again()
                elif self._is_needed():
                    self._look(self._recorder, self._loop)
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _is_needed(self) -> bool:
        return self._thread.is_alive() and not self.is_abandoned

    def trace(self, ended: list[Trace]) -> Trace:
        """What is known of a play that was given up, or that has `ended` after all."""
        if self.outcome is None:
            return ended[0]
        if ended:
            return msgspec.structs.replace(ended[0], outcome=self.outcome)
        assert self._recorder is not None
        recorder = self._recorder
        return Trace(
            outcome=self.outcome, incidents=tuple(recorder.incidents), ended=recorder.clock.now
        )

    def _look(self, recorder: Recorder, loop: VirtualLoop) -> None:
        thread, native = loop.clock.running_thread() or (
            self._thread.ident or 0,
            self._thread.native_id or 0,
        )
        work, now = work_of(native) - recorder.own_cpu, monotonic()
        lost_after = max(IS_LOST, loop.clock.outside.patience)
        moment = loop.clock.turns, loop.clock.now, thread
        if moment != self._moment:
            self._moment, self._work_before = moment, work
        is_idle = work == self._work
        if not is_idle:
            self._work, self._idle_since = work, now
        line = recorder.lines.of_stack(sys._current_frames().get(thread))
        if line is not None or not is_idle:
            _end_process_unless_called_again()
        if self._ended_at is not None and now - self._ended_at > IS_BLOCKED:
            self._abandon(loop)
        elif work - self._work_before > COMPUTES:
            self._end("endless-loop", line)
            self._interrupt(thread, loop)
        elif line is not None and now - self._idle_since > lost_after:
            self._end("stuck", line)
            self._abandon(loop)
        elif line is not None and now - self._idle_since > IS_BLOCKED and self._cut(loop):
            self._end("stuck", line)

    def _end(self, kind: OutcomeKind, line: int | None) -> None:
        if self.outcome is None:
            self.outcome = Outcome(kind, line=line)

    def _interrupt(self, thread: int, loop: VirtualLoop) -> None:
        """Raise an error where the thread is, if it is in Python, and let the loop end."""
        self._ended_at = self._ended_at or monotonic()
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        raise_in(ctypes.c_ulong(thread), ctypes.py_object(PlayOver))
        with suppress(RuntimeError):  # it is closed
            loop.call_soon_threadsafe(_end_as_ran_away, loop)

    def _abandon(self, loop: VirtualLoop) -> None:
        self.is_abandoned = True
        loop.clock.finish()
        loop.on_abandon()

    def _cut(self, loop: VirtualLoop) -> bool:
        """Cut every connection whose client waits for the loop. Returns whether there were any."""
        waiting = list(_unread(loop))
        for own in waiting:
            with own, suppress(OSError):
                if own.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    own.accept()[0].close()
                else:
                    own.shutdown(socket.SHUT_RDWR)
        return bool(waiting)


def _end_process_unless_called_again() -> None:
    with suppress(OSError, ValueError, RuntimeError):  # there may be no stderr to write to
        faulthandler.dump_traceback_later(IS_HUNG, exit=True, file=sys.__stderr__ or sys.stderr)


def _end_as_ran_away(loop: VirtualLoop) -> None:
    if loop.on_end is not None:
        loop.on_end(RanAway())


def _unread(loop: VirtualLoop) -> Iterator[socket.socket]:
    """The loop's sockets that hold what it has not read, each under a number of its own."""
    # The loop may close meanwhile, in its own thread. Then it has neither of the two.
    selector, waker = loop._selector, loop._ssock
    if selector is None or waker is None:
        return
    for key in tuple((selector.get_map() or {}).values()):
        with suppress(OSError):
            if key.fd != waker.fileno():
                own = socket.socket(fileno=socket.dup(key.fd))
                if select.select([own], [], [], 0)[0]:
                    yield own
                else:
                    own.close()
