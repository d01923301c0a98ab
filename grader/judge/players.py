"""A player of scenarios, as checks see it: `learner` and `reference`.

Whatever the process behind it does, `play` returns a trace: a death, a silence, or a
message that makes no sense is an outcome like any other.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections import deque

import msgspec

from ..scenarios import Scenario
from ..trace import Outcome, OutcomeKind, Trace, encode
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


FATAL: frozenset[OutcomeKind] = frozenset(
    {
        "syntax-error",
        "import-failed",
        "endless-loop",
        "ran-away",
        "process-died",
        "out-of-memory",
        "output-flood",
    }
)
"""Outcomes that another play of the same exercise would only repeat."""


AHEAD = 16
"""Plays that a player may have waiting. Few, so that neither side fills the other's pipe."""


class Performer:
    """A file being played: a process, started when it is needed and replaced when spoiled.

    Learners grade the same exercises again and again, so what is played next is mostly
    what was played next the last time. The process is asked for it ahead.

    Args:
        source: the text of the file, as it was when grading began.
        remember: whether to keep the traces, and give them again for the same scenario.
    """

    def __init__(self, worker: Worker, source: str, path: str, remember: bool = False) -> None:
        self._worker = worker
        self._load = Load(source, path)
        self._process: PlayerProcess | None = None
        self._known: dict[bytes, Trace] | None = {} if remember else None
        self._wanted = b""
        self._asked: deque[Perform] = deque()
        self._played: list[Perform] = []
        self._foreseen: deque[Perform] = deque()

    def load(self, source: str, path: str) -> None:
        """Play another file from now on, in the process that is there."""
        self._drop_asked()
        self._load = Load(source, path)
        self._foreseen = deque(self._played)
        self._played = []
        if self._process is not None and self._send(self._load):
            self._ask_ahead()

    def start(self, factory: str, scenario: Scenario) -> None:
        """Begin to play; `finish` gives the trace."""
        wanted = Perform(factory, scenario)
        self._wanted = encode(wanted)
        if self._known is not None and self._wanted in self._known:
            return
        self._played.append(wanted)
        if self._asked and self._asked[0] == wanted:
            return
        self._drop_asked()
        if self._foreseen and self._foreseen[0] == wanted:
            self._foreseen.popleft()
        else:
            self._foreseen.clear()
        self._ask(wanted)
        self._ask_ahead()

    def finish(self) -> Trace:
        """Wait for the trace of what was started."""
        if self._known is None:
            return self._answer()
        if self._wanted not in self._known:
            self._known[self._wanted] = self._answer()
        return self._known[self._wanted]

    def _ask(self, perform: Perform) -> None:
        if self._process is None:
            self._process = self._worker.fork()
            self._send(self._load)
        if not self._send(perform):  # it died between two plays, of something left behind
            self._process = self._worker.fork()
            self._send(self._load)
            self._send(perform)
        self._asked.append(perform)

    def _send(self, message: Load | Perform) -> bool:
        assert self._process is not None
        try:
            self._process.channel.send(message)
        except ChannelClosed:
            self.close()
            return False
        return True

    def _ask_ahead(self) -> None:
        while self._foreseen and self._process is not None and len(self._asked) < AHEAD:
            self._ask(self._foreseen.popleft())

    def _drop_asked(self) -> None:
        """Forget what was asked ahead in vain."""
        while self._asked:
            self._answer()

    def _answer(self) -> Trace:
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
        self._asked.popleft()
        if performed.spoiled:
            self.close()
        else:
            self._ask_ahead()
        return self._at_loop(performed.trace)

    def close(self) -> None:
        """End the process; the next play gets a new one."""
        if self._process is not None:
            self._process.end_in_time()
        self._process = None
        self._asked.clear()
        self._foreseen.clear()

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
        self._asked.clear()
        self._foreseen.clear()
        status = process.end().status
        if os.WIFSIGNALED(status):
            detail = f"signal {signal.Signals(os.WTERMSIG(status)).name}"
        else:
            detail = f"exit status {os.waitstatus_to_exitcode(status)}"
        return Trace(outcome=Outcome("process-died", detail=detail))


class Player:
    """Plays scenarios against one factory of a file.

    Args:
        factory: the name of the function that builds the app.
    """

    def __init__(self, performer: Performer, factory: str) -> None:
        self._performer = performer
        self._factory = factory
        self._fatal: Trace | None = None

    def start(self, scenario: Scenario) -> None:
        """Begin to play; `finish` gives the trace."""
        if self._fatal is None:
            self._performer.start(self._factory, scenario)

    def finish(self) -> Trace:
        """The trace of what was started; what ended one play for good ends the rest, too."""
        trace = self._fatal or self._performer.finish()
        if trace.outcome.kind in FATAL or trace.outcome.detail == "real":
            self._fatal = trace
        return trace

    def play(self, scenario: Scenario) -> Trace:
        """Play a scenario from beginning to end."""
        self.start(scenario)
        return self.finish()


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
