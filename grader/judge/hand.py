"""One process that plays a file, asked for one play after another.

Whatever the process does, each play that it was asked for has a trace: a death, a silence,
or a message that makes no sense is an outcome like any other.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections import deque

import msgspec

from ..trace import Outcome, OutcomeKind, Trace
from ..worker.channel import ChannelClosed, Load, Perform, Performed
from .source import loop_around
from .workers import PlayerProcess, Worker

LOOK_EVERY = 0.25
"""Real seconds between two looks at a player that has not answered."""
IDLE_FOR = 2.0
"""Real seconds without any CPU time after which a player is blocked for good."""
CPU_FOR = 3.5
"""CPU seconds of one play after which it will not end. The guard within ends loops of
Python code long before; this one is for a call into C that never comes back."""
LONGEST = 120.0
"""Real seconds after which not the learner but the machine is at fault."""


class Hand:
    """A process, started when it is needed and replaced when it is spoiled or dead.

    Attributes:
        asked: the plays that it has been asked for and has not answered, each with its number.
    """

    def __init__(self, worker: Worker, load: Load) -> None:
        self._worker = worker
        self._load = load
        self._process: PlayerProcess | None = None
        self.asked: deque[tuple[int, Perform]] = deque()

    def load(self, load: Load) -> None:
        """Play another file from now on, in the process that is there."""
        self.skip_before(None)
        self._load = load
        if self._process is not None:
            self._send(load)

    def ask(self, number: int, perform: Perform) -> None:
        """Ask for a play; `answer` gives the trace."""
        if self._process is None:
            self._start()
        if not self._send(perform):  # it died between two plays, of something left behind
            self._start()
            self._send(perform)
        self.asked.append((number, perform))

    def skip_before(self, number: int | None) -> None:
        """Drop what was asked in vain: all plays before that number, or all there are."""
        while self.asked and (number is None or self.asked[0][0] < number):
            self.answer()

    def answer(self) -> Trace:
        """The trace of what was asked for first."""
        process = self._process
        assert process is not None
        kind = Watch(process).until_answer()
        if kind is not None:
            return self._cut_short(process, kind)
        try:
            performed = process.channel.receive(Performed)
        except ChannelClosed:
            return self._died(process)
        self.asked.popleft()
        if performed.spoiled:
            self.close()
        return self._at_loop(performed.trace)

    def close(self) -> None:
        """End the process; the next play gets a new one."""
        if self._process is not None:
            self._process.end_in_time()
        self._process = None
        self.asked.clear()

    def _start(self) -> None:
        self._process = self._worker.fork()
        self._send(self._load)

    def _send(self, message: Load | Perform) -> bool:
        assert self._process is not None
        try:
            self._process.channel.send(message)
        except ChannelClosed:
            self.close()
            return False
        return True

    def _cut_short(self, process: PlayerProcess, kind: OutcomeKind) -> Trace:
        line = self._line_in(process.dump_stacks())
        self.close()
        return self._at_loop(Trace(outcome=Outcome(kind, line=line, detail="real")))

    def _at_loop(self, trace: Trace) -> Trace:
        """The trace, with a loop that did not end named by where it begins."""
        outcome = trace.outcome
        if outcome.kind not in ("endless-loop", "ran-away"):
            return trace
        line = loop_around(self._load.source, outcome.line)
        return msgspec.structs.replace(trace, outcome=msgspec.structs.replace(outcome, line=line))

    def _line_in(self, stacks: str) -> int | None:
        found = re.search(rf'File "{re.escape(self._load.path)}", line (\d+)', stacks)
        return int(found[1]) if found else None

    def _died(self, process: PlayerProcess) -> Trace:
        self._process = None
        self.asked.clear()
        status = process.end().status
        if os.WIFSIGNALED(status):
            detail = f"signal {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            detail = f"exit status {os.waitstatus_to_exitcode(status)}"
        return Trace(outcome=Outcome("process-died", detail=detail))


class Watch:
    """Waits for a player's answer, and knows one that will never come."""

    def __init__(self, process: PlayerProcess) -> None:
        self._process = process
        self._began = self._moved = time.monotonic()
        self._cpu_at_start = self._cpu = process.cpu_ticks()
        self._per_second = os.sysconf("SC_CLK_TCK")

    def until_answer(self) -> OutcomeKind | None:
        """None if there is an answer to read (or the end of the channel)."""
        while not select.select([self._process.channel], [], [], LOOK_EVERY)[0]:
            kind = self._look(time.monotonic())
            if kind is not None:
                return kind
        return None

    def _look(self, now: float) -> OutcomeKind | None:
        cpu = self._process.cpu_ticks()
        if cpu is None or self._cpu_at_start is None:  # no /proc: only real time can tell
            return "endless-loop" if now - self._began > 2 * IDLE_FOR else None
        if cpu != self._cpu:
            self._cpu, self._moved = cpu, now
        if cpu - self._cpu_at_start > CPU_FOR * self._per_second:
            return "endless-loop"
        if now - self._moved > IDLE_FOR:
            return "stuck"
        return "grader-broke" if now - self._began > LONGEST else None
