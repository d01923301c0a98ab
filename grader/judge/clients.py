"""One process that plays a file, asked for one play after another.

Whatever the process does, each play that it was asked for has a trace: a death, a silence,
or a message that makes no sense is an outcome like any other.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..course.loops import at_its_loop
from ..model.details import (
    ChannelLost,
    CutShort,
    Detail,
    Exited,
    Forged,
    GraderProblem,
    Killed,
    Patched,
    ServerAtImport,
)
from ..model.trace import Outcome, OutcomeKind, Trace
from ..processes.channel import ChannelClosed, Nonsense, decoded
from ..worker.messages import (
    BROKEN,
    EXIT_REPORTS,
    UNENCLOSED,
    UNHEARD,
    Load,
    PlayRequest,
    PlayResult,
    opening_of,
)
from .player_process import PlayerProcess, ProcessState
from .workers import PlayerSource

LOOK_EVERY = 0.25
"""Real seconds between two looks at a player that has not answered."""
DISCARD_FOR = 0.5
"""Real seconds to wait for an answer that is not wanted any more."""


class Patience(NamedTuple):
    """How long to wait for a play that doesn't come to an end.

    Attributes:
        idle: real seconds without any CPU time, or need of it, after which a player is blocked
            for good.
        cpu: CPU seconds of one play after which it will not end. The guard within ends loops of
            Python code long before; this one is for a call into C that never comes back.
        real: real seconds after which it is over in any case, without those that other processes
            had the processors for. What a player says of itself makes no difference.
    """

    idle: float
    cpu: float
    real: float


FULL = Patience(idle=2.0, cpu=3.0, real=9.0)
SHORT = Patience(idle=0.3, cpu=0.5, real=3.0)
"""For an exercise that has hung before: enough to see that it hangs at the same line again."""
OURS = FULL._replace(real=120.0)
"""For the reference, which may have to wait until a service is there. A learner's play comes after
it, and need not."""


class PendingPlay(NamedTuple):
    """A play that a process was asked for."""

    number: int
    request: PlayRequest
    token: str


class PlayerClient:
    """A process, started when it is needed and replaced when it is spoiled or dead.

    Attributes:
        pending: the plays that it has been asked for and has not answered.
        waited: real seconds that plays have been waited for, as `Patience.real` counts them.
    """

    def __init__(self, worker: PlayerSource, load: Load) -> None:
        self._worker = worker
        self._load = load
        self._process: PlayerProcess | None = None
        self._answered = 0
        self._lost: list[tuple[int, PlayRequest]] = []
        self.waited = 0.0
        self.pending: deque[PendingPlay] = deque()

    def load(self, load: Load) -> None:
        """Play another file from now on, in a new process: this one may be as its file left it."""
        self.close()
        self._lost.clear()
        self._load = load

    def request(self, number: int, play: PlayRequest) -> None:
        """Ask for a play; `receive` gives the trace."""
        if self._process is None:
            self._start()
        token = secrets.token_hex(16)
        tokened = msgspec.structs.replace(play, token=token)
        if not self._send(tokened):  # it died between two plays, of something left behind
            self._start()
            self._send(tokened)
        self.pending.append(PendingPlay(number, play, token))

    def take_before(self, number: int | None) -> Iterator[tuple[PlayRequest, Trace | None]]:
        """What was asked before that number, or all there is, and what it came to.

        An answer that isn't wanted yet is not waited for long. That may cost the process, and
        with it what else was asked of it.
        """
        while self.pending and (number is None or self.pending[0].number < number):
            assert self._process is not None
            if self._process.channel.wait(DISCARD_FOR):
                yield self.pending[0].request, self.receive()
            else:
                self.pending.popleft()
                self.close()

    def take_lost(self) -> list[tuple[int, PlayRequest]]:
        """What was asked of a process that ended before it came to it; it can be asked again."""
        lost, self._lost = self._lost, []
        return lost

    def receive(self, patience: Patience = FULL) -> Trace | None:
        """The trace of what was asked for first.

        None if the process died of what may have been another play's doing: of something
        that an earlier play in it left behind, or with its parent. To know, play it alone.
        """
        process = self._process
        assert process is not None
        token = self.pending.popleft().token
        watch = Watch(process, patience)
        try:
            kind = watch.until_answer()
            if kind is not None:
                return self._cut_short(process, kind)
            result = process.channel.receive(PlayResult, opening_of(token))
        except Nonsense:
            return self._died(process, Forged())
        except ChannelClosed:
            return self._died(process)
        finally:
            self.waited += watch.waited
        self._answered += 1
        if result.spoiled:
            self.close()
        return at_its_loop(result.trace, self._load.source)

    def close(self) -> None:
        """End the process; the next play gets a new one."""
        if self._process is not None:
            self._process.end_in_time()
        self._forget()

    def _forget(self) -> None:
        self._process = None
        self._answered = 0
        self._lost += [(play.number, play.request) for play in self.pending]
        self.pending.clear()

    def _start(self) -> None:
        self._forget()
        self._process = self._worker.fork()
        self._send(self._load)

    def _send(self, message: Load | PlayRequest) -> bool:
        assert self._process is not None
        try:
            self._process.channel.post(message)
        except ChannelClosed:
            self.close()
            return False
        return True

    def _cut_short(self, process: PlayerProcess, kind: OutcomeKind) -> Trace | None:
        if process.channel.within_message:  # something wrote half of one
            return self._died(process, Forged())
        stacks = process.dump_stacks()
        line = self._line_in(stacks)
        self.close()
        if "/uvicorn/" in stacks and self._line_in(stacks, " in <module>") is not None:
            return Trace(outcome=Outcome("import-failed", line=line, detail=ServerAtImport()))
        cut = Trace(outcome=Outcome(kind, line=line, detail=CutShort()))
        return at_its_loop(cut, self._load.source)

    def _line_in(self, stacks: str, function: str = "") -> int | None:
        found = re.search(rf'File "{re.escape(self._load.path)}", line (\d+){function}', stacks)
        return int(found[1]) if found else None

    def _died(self, process: PlayerProcess, detail: Detail | None = None) -> Trace | None:
        was_fresh = self._answered == 0
        self._forget()
        words = process.exit_report()
        reaped = process.end()
        said = _trace_of(words)
        if said is not None and detail is None:
            return at_its_loop(said, self._load.source)
        if reaped is None or not was_fresh:
            return None
        detail = detail or (Forged() if words else _ending(reaped.status))
        is_ours = isinstance(detail, GraderProblem)
        return Trace(outcome=Outcome("grader-broke" if is_ours else "process-died", detail=detail))


def _trace_of(words: bytes) -> Trace | None:
    """What a player said before it ended itself. It can only be to its own disadvantage."""
    try:
        trace = decoded(words, Trace)
    except Nonsense:
        return None
    return trace if trace.outcome.kind in EXIT_REPORTS else None


def _ending(status: int) -> Detail:
    """How a process ended."""
    if os.WIFSIGNALED(status):
        return Killed(signal.Signals(os.WTERMSIG(status)).name)
    code = os.waitstatus_to_exitcode(status)
    return _OWN_ENDINGS.get(code) or Exited(code)


_OWN_ENDINGS: dict[int, Detail] = {
    BROKEN: Patched(),
    UNHEARD: ChannelLost(),
    UNENCLOSED: GraderProblem("a player could not be shut in, though the kernel can do it"),
}
"""What a player's own exit statuses mean."""


class Watch:
    """Waits for a player's answer, and knows one that will never come."""

    def __init__(self, process: PlayerProcess, patience: Patience) -> None:
        self._process = process
        self._patience = patience
        self._began = self._moved = self._looked = time.monotonic()
        self._state_at_start: ProcessState | None = None
        self._cpu = self._cpu_at_start = 0
        self._delayed = 0.0
        self._per_second = os.sysconf("SC_CLK_TCK")

    @property
    def waited(self) -> float:
        """Real seconds so far, without those for which the process had no processor."""
        return time.monotonic() - self._began - self._delayed

    def until_answer(self) -> OutcomeKind | None:
        """None if there is an answer to read; else why there will be none.

        Raises:
            ChannelClosed: the player is dead, or has said its exit report.
        """
        channel, stacks = self._process.channel, self._process.stacks
        if channel.arrived():  # half of them have: they were asked for ahead
            return None
        self._state_at_start = state = self._process.state()
        self._cpu = self._cpu_at_start = state.cpu if state else 0
        while not channel.arrived():
            channel.wait(LOOK_EVERY, stacks)
            if self._process.has_spoken() and not channel.arrived():
                raise ChannelClosed
            kind = self._look(time.monotonic())
            if kind is not None:
                return kind
        return None

    def _look(self, now: float) -> OutcomeKind | None:
        if now - self._looked < LOOK_EVERY:
            return None
        self._looked = now
        state = self._process.state()
        if self._state_at_start is None:  # no /proc: only real time can tell
            return "endless-loop" if now - self._began > 2 * self._patience.idle else None
        if state is None or state.letter in "ZX":  # its own children still hold its channel
            raise ChannelClosed
        self._delayed = state.delayed - self._state_at_start.delayed
        if state.imports:  # the guard within sees to it that this comes to an end
            self._cpu_at_start += state.cpu - self._cpu
        waits_its_turn = state.letter in "RD"  # for a processor, or for the disk
        if state.cpu != self._cpu or state.awaits_service or waits_its_turn:
            self._cpu, self._moved = state.cpu, now
        if self._cpu - self._cpu_at_start > self._patience.cpu * self._per_second:
            return "endless-loop"
        is_over = self.waited > self._patience.real
        return "stuck" if is_over or now - self._moved > self._patience.idle else None
