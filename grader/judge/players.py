"""A player of scenarios, as checks see it: `learner` and `reference`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ..model.details import CutShort, ForkserverKilled
from ..model.scenarios import Scenario
from ..model.trace import Outcome, OutcomeKind, Trace, encode
from ..worker.messages import Load, PlayRequest
from .clients import PlayerClient
from .workers import Worker

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

AHEAD = 8
"""Plays that a process may have waiting. Few, so that neither side fills the other's pipe."""


class FilePlayer:
    """A file being played.

    Learners grade the same exercises again and again, so what is played next is mostly
    what was played next the last time. Each process is asked for it ahead.

    Args:
        source: the text of the file, as it was when grading began.
        remember: whether to keep the traces, and give them again for the same scenario.
    """

    def __init__(self, worker: Worker, source: str, path: str, remember: bool = False) -> None:
        self._worker = worker
        self._load = Load(source, path)
        self._hands = [PlayerClient(worker, self._load)]
        self._hand = self._hands[0]
        self._known: dict[bytes, Trace] | None = {} if remember else None
        self._wanted = b""
        self._played: list[PlayRequest] = []
        self._foreseen: deque[tuple[int, PlayRequest]] = deque()

    def load(self, source: str, path: str) -> None:
        """Play another file from now on."""
        self._load = Load(source, path)
        for hand in self._hands:
            hand.load(self._load)
        self._foreseen = deque(enumerate(self._played))
        self._played = []
        self._known = {} if self._known is not None else None
        self._ask_ahead()

    def take_over(self, other: FilePlayer) -> None:
        """Play with the process of another performer, too, which mostly knows all it needs.

        That one gets a new process when it has to play again: this one's file may be anything.
        """
        if len(self._hands) == 1:
            self._hands.append(other._hands[0])
            other._hands[0] = other._hand = PlayerClient(other._worker, other._load)

    @property
    def is_new(self) -> bool:
        """Whether it has no last time to go by, neither in traces nor in what was played."""
        return not (self._played or self._foreseen or any(hand.asked for hand in self._hands))

    def foresee(self, performs: Iterable[PlayRequest]) -> None:
        """Ask for what is likely to be played next."""
        different = {encode(one): one for one in performs}.values()
        self._foreseen = deque(enumerate(different, start=len(self._played) + 1))
        self._ask_ahead()

    def start(self, factory: str, scenario: Scenario) -> None:
        """Begin to play; `finish` gives the trace."""
        wanted = PlayRequest(factory, scenario)
        self._wanted = encode(wanted)
        if self._known is not None and self._wanted in self._known:
            return
        self._played.append(wanted)
        if not self._is_asked(wanted):
            self._forget_ahead()
            self._hand = self._hands[0]
            self._hand.ask(len(self._played), wanted)

    def finish(self) -> Trace:
        """Wait for the trace of what was started."""
        if self._known is None:
            return self._answer()
        if self._wanted not in self._known:
            self._known[self._wanted] = self._answer()
        return self._known[self._wanted]

    def close(self) -> None:
        """End the processes; the next play gets a new one."""
        for hand in self._hands:
            hand.close()
        self._foreseen.clear()

    def _answer(self) -> Trace:
        trace = self._hand.answer() or self._play_alone()
        self._ask_ahead()
        return trace

    def _play_alone(self) -> Trace:
        """Play again what may have died of another play's doing, with nothing beside it."""
        self.close()
        self._hand.ask(len(self._played), self._played[-1])
        killed = Outcome("process-died", detail=ForkserverKilled())
        return self._hand.answer() or Trace(outcome=killed)

    def _is_asked(self, wanted: PlayRequest) -> bool:
        """Whether a play was asked for ahead. What was foreseen before it is not wanted."""
        found = [
            (asked.number, hand)
            for hand in self._hands
            for asked in hand.asked
            if asked.perform == wanted
        ]
        if not found:
            return False
        first, self._hand = min(found, key=lambda entry: entry[0])
        for hand in self._hands:
            hand.skip_before(first)
        # What was skipped may have cost the process, and with it what was asked of it.
        return any(asked.number == first for asked in self._hand.asked)

    def _ask_ahead(self) -> None:
        """Let the process that has least to do play what comes next."""
        while self._foreseen:
            hand = min(self._hands, key=lambda hand: len(hand.asked))
            if len(hand.asked) >= AHEAD:
                return
            hand.ask(*self._foreseen.popleft())

    def _forget_ahead(self) -> None:
        self._foreseen.clear()
        for hand in self._hands:
            hand.skip_before(None)


class Subject:
    """Plays scenarios against one factory of a file.

    Args:
        factory: the name of the function that builds the app.
    """

    def __init__(self, performer: FilePlayer, factory: str) -> None:
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
        if trace.outcome.kind in FATAL or isinstance(trace.outcome.detail, CutShort):
            self._fatal = trace
        return trace

    def play(self, scenario: Scenario) -> Trace:
        """Play a scenario from beginning to end."""
        self.start(scenario)
        return self.finish()
