"""What asks for plays in a browser: other workers, where it is processes elsewhere.

The learner's file is played by the worker that the page has for it. The reference is played here,
beside the judge: it is the course's own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from ..course.loops import at_its_loop
from ..model.details import CutShort, Detail, Forged, GraderProblem, Killed
from ..model.trace import Outcome, Trace
from ..processes.channel import Nonsense, decoded
from ..worker.messages import EXIT_REPORTS, Load, PlayRequest, PlayResult
from .given import ffi, page
from .players import BrowserPlayer

LEARNER = "/home/pyodide/learner"
"""The folder of the learner's file."""


class BrowserWorkers:
    """Stands for the forkserver: the workers belong to the page."""

    peak = 0

    def preload(self, modules: tuple[str, ...]) -> None:
        """Nothing: a worker stays, and what it has imported with it."""

    def close(self) -> None:
        pass


class AskedPlay(NamedTuple):
    """A play that was asked for."""

    number: int
    request: PlayRequest
    asked: int


class BrowserClient:
    """Asks for one play after another of a file.

    Attributes:
        pending: what it has asked for and not been answered.
        waited: see `grader.judge.clients`.
    """

    def __init__(self, worker: BrowserWorkers, load: Load) -> None:
        self.pending: deque[AskedPlay] = deque()
        self.waited = 0.0
        self._load = load
        self._is_told = False

    @property
    def _is_ours(self) -> bool:
        return os.path.dirname(self._load.path) != LEARNER

    def load(self, load: Load) -> None:
        """Play another file from now on."""
        self._drop_all()
        self._load, self._is_told = load, False

    def request(self, number: int, play: PlayRequest) -> None:
        """Ask for a play; `receive` gives the trace."""
        self.pending.append(AskedPlay(number, play, 0 if self._is_ours else self._ask(play)))

    def _ask(self, play: PlayRequest) -> int:
        if not self._is_told:
            page.load(msgspec.json.encode(self._load).decode())
            self._is_told = True
        return int(page.ask(msgspec.json.encode(play).decode()))

    def take_before(self, number: int | None) -> Iterator[tuple[PlayRequest, Trace | None]]:
        """What was asked before that number, or all there is, and what it came to."""
        while self.pending and (number is None or self.pending[0].number < number):
            yield self.pending[0].request, self.receive()

    def _drop_all(self) -> None:
        for dropped in self.pending:
            if dropped.asked:
                page.drop(dropped.asked)
        self.pending.clear()

    def take_lost(self) -> list[tuple[int, PlayRequest]]:
        """What was never come to: nothing, for the page asks a new worker for it."""
        return []

    def receive(self, patience: object = None) -> Trace | None:
        """The trace of what was asked for first."""
        play = self.pending.popleft()
        if self._is_ours:
            return _reference(self._load).play(play.request).trace
        answer = ffi.run_sync(page.answer(play.asked))
        self.waited += float(answer.seconds)
        return at_its_loop(_trace_of(str(answer.kind), str(answer.body)), self._load.source)

    def close(self) -> None:
        """End the player; the next play gets a new one."""
        self._drop_all()


def _trace_of(kind: str, body: str) -> Trace:
    """What became of a play: the player's answer, or how it ended."""
    try:
        if kind == "result":
            result: PlayResult = decoded(body.encode(), PlayResult)
            return result.trace
        if kind == "report":
            said: Trace = decoded(body.encode(), Trace)
            return said if said.outcome.kind in EXIT_REPORTS else _failed(Forged())
    except Nonsense:
        return _failed(Forged())
    if kind == "hung":
        return Trace(outcome=Outcome("endless-loop", detail=CutShort()))
    if kind == "absent":  # Python could not be loaded, which isn't the learner's doing
        return Trace(outcome=Outcome("grader-broke", detail=GraderProblem(body)))
    return _failed(Killed("SIGSEGV"))


def _failed(detail: Detail) -> Trace:
    return Trace(outcome=Outcome("process-died", detail=detail))


class _References:
    """The player of references, which has one file at a time."""

    player: BrowserPlayer | None = None
    load: Load | None = None


def _reference(load: Load) -> BrowserPlayer:
    if _References.player is None:
        _References.player = BrowserPlayer(leave=_must_not_leave)
    if _References.load != load:
        _References.player.load(load)
        _References.load = load
    return _References.player


def _must_not_leave(report: bytes) -> Any:
    raise RuntimeError(f"the reference has ended its player: {report.decode()[:500]}")
