"""A player of scenarios, as checks see it: `learner` and `reference`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from ..model.details import CutShort, ForkserverKilled, OutOfTime
from ..model.errors import GraderError
from ..model.scenarios import Scenario, scenario
from ..model.trace import Outcome, OutcomeKind, Trace, encode
from ..worker.messages import Load, PlayRequest
from .clients import FULL, OURS, SHORT, Patience, PlayerClient
from .services import start_services
from .workers import ContainedWorker, Worker

OF_THE_FILE: frozenset[OutcomeKind] = frozenset({"syntax-error", "import-failed"})
"""Outcomes of the file itself: every other play of it would end the same way."""

COSTLY: frozenset[OutcomeKind] = frozenset({"endless-loop", "out-of-memory", "output-flood"})
"""Outcomes that take real time to see, besides those of plays that are cut short."""
MOST_HANGS = 4
"""Plays of an exercise that hang, or cost as much, before the last one stands for the rest: a
learner shouldn't wait for what is known. Counted, not timed, so that every run says the same."""

MOST_HANGS_OF_FILE = 12
"""Plays of a file that hang before the first one of an exercise stands for the rest."""
LONGEST_FILE = 90.0
"""Real seconds that all plays of a file may take. Those of a whole lesson take two or three."""

MOST_PROCESSES = 2
"""Processes that a file is played in."""
AHEAD = 8
"""Plays that a process may have waiting. Few, so that neither side fills the other's pipe."""

NOT_PLAYED: Final = Trace(outcome=Outcome("finished"))
"""Stands for the trace of a play that there wasn't, in a dry run."""


class FilePlayer:
    """A file being played.

    Learners grade the same exercises again and again, so what is played next is mostly
    what was played next the last time. Each process is asked for it ahead.

    Args:
        source: the text of the file, as it was when grading began.
        remember: whether to keep the traces, and give them again for the same scenario.
        hidden: folders that the file may not read.
        is_contained: whether each file is played in a container of its own.
        is_ours: whether it is the reference, which is waited for as long as it takes.
    """

    def __init__(
        self,
        worker: Worker,
        source: str,
        path: str,
        remember: bool = False,
        hidden: tuple[str, ...] = (),
        is_contained: bool = False,
        is_ours: bool = False,
    ) -> None:
        self._is_ours = is_ours
        self._worker = worker
        self._load = Load(source, path, hidden)
        self._container = ContainedWorker(worker, self._load) if is_contained else None
        self._clients = [self._new_client()]
        self._client = self._clients[0]
        self._traces: dict[bytes, Trace] | None = {} if remember else None
        self._wanted = PlayRequest("", scenario())
        self._early: dict[bytes, Trace] = {}
        self._number = 0
        self._played: list[PlayRequest] = []
        self._upcoming: deque[tuple[int, PlayRequest]] = deque()
        self._hangs: dict[str, set[int | None]] = {}
        self._hung = 0
        self._has_hung = False
        self._waited_before = 0.0

    @property
    def source(self) -> str:
        """The text of the file."""
        return self._load.source

    @property
    def path(self) -> str:
        """Where the file is, as tracebacks name it."""
        return self._load.path

    def load(
        self, source: str, path: str, processes: int = MOST_PROCESSES, ahead: bool = True
    ) -> None:
        """Play another file from now on, in new processes.

        Args:
            processes: how many are used. Each imports what the file does.
            ahead: whether what was played of the last one is asked for at once.
        """
        self._load = msgspec.structs.replace(self._load, source=source, path=path)
        for client in self._clients:
            client.load(self._load)
        if self._container is not None:
            self._container.load(self._load)
        # The reference has nothing to do by now, so there is time for a second one.
        if ahead and len(self._clients) < processes:
            self._clients.append(self._new_client())
        self._traces = {} if self._traces is not None else None
        self._early.clear()
        self._hangs, self._hung, self._has_hung = {}, 0, False
        self._waited_before = sum(client.waited for client in self._clients)
        played, self._played = self._played, []
        self.prefetch(played if ahead else ())

    def _new_client(self) -> PlayerClient:
        return PlayerClient(self._container or self._worker, self._load)

    @property
    def has_history(self) -> bool:
        """Whether it knows from the last time what will be played."""
        pending = any(client.pending for client in self._clients)
        return bool(self._played or self._upcoming or pending)

    def prefetch(self, requests: Iterable[PlayRequest]) -> None:
        """Ask for what is likely to be played next."""
        different = {encode(one): one for one in requests}.values()
        self._upcoming = deque(enumerate(different, start=self._number + 1))
        try:
            start_services(request.scenario for request in different)
        except GraderError:
            self._upcoming.clear()  # the play that needs it gets the error
        self._ask_ahead()

    def start(self, factory: str, scenario: Scenario, is_replay: bool = False) -> None:
        """Begin to play; `finish` gives the trace.

        Args:
            is_replay: whether what it did is only to be explained. The next file may not need it.
        """
        wanted = self._wanted = PlayRequest(factory, scenario)
        key = encode(wanted)
        if self._traces is not None and key in self._traces:
            return
        self._number += 1
        if not is_replay:
            self._played.append(wanted)
        if key not in self._early and not self._is_pending(wanted):
            start_services((scenario,))
            self._skip_to(wanted)
            self._client = self._clients[0]
            self._client.request(self._number, wanted)

    def finish(self) -> Trace:
        """Wait for the trace of what was started."""
        if self._traces is None:
            return self._answer()
        key = encode(self._wanted)
        if key not in self._traces:
            self._traces[key] = self._answer()
        return self._traces[key]

    def close(self) -> None:
        """End the processes; the next play gets a new one."""
        for client in self._clients:
            client.close()
        if self._container is not None:
            self._container.close()
        self._upcoming.clear()

    def _answer(self) -> Trace:
        if self._is_out_of_time():
            self._drop_upcoming()
            return Trace(outcome=Outcome("too-much", detail=OutOfTime(round(LONGEST_FILE))))
        early = self._early.pop(encode(self._wanted), None)
        if early is not None:
            self._ask_ahead()
            return early
        hangs = self._hangs.setdefault(self._wanted.factory, set())
        trace = self._client.receive(SHORT if hangs else self._patience)
        if trace is None or (hangs and _is_cut_short(trace) and trace.outcome.line not in hangs):
            trace = self._play_alone()
        if _hangs(trace):
            hangs.add(trace.outcome.line)
            self._hung += 1
            self._has_hung = True
        self._ask_ahead()
        return trace

    @property
    def _patience(self) -> Patience:
        return OURS if self._is_ours else FULL

    @property
    def has_hung_often(self) -> bool:
        """Whether so many plays of the file have hung that one more says it all."""
        return self._hung >= MOST_HANGS_OF_FILE

    def _is_out_of_time(self) -> bool:
        waited = sum(client.waited for client in self._clients)
        return not self._is_ours and waited - self._waited_before > LONGEST_FILE

    def _play_alone(self) -> Trace:
        """Play again what may have died of another play's doing, by itself."""
        for client in self._clients:
            client.close()
        self._client.request(self._number, self._wanted)
        killed = Outcome("process-died", detail=ForkserverKilled())
        return self._client.receive(self._patience) or Trace(outcome=killed)

    def _is_pending(self, wanted: PlayRequest) -> bool:
        """Whether a play was asked for ahead. What would have come before it is not wanted."""
        pending = (play for client in self._clients for play in client.pending)
        numbers = [play.number for play in pending if play.request == wanted]
        if not numbers:
            return False
        for client in self._clients:
            self._take_early(client, min(numbers))
        self._ask_ahead()  # that may have cost the process
        for client in self._clients:
            if client.pending and client.pending[0].number == min(numbers):
                self._client = client
                return True
        return False

    def _ask_ahead(self) -> None:
        """Let the process that has least to do play what comes next."""
        lost = [entry for client in self._clients for entry in client.take_lost()]
        self._upcoming.extendleft(sorted(lost, key=lambda entry: -entry[0]))
        while self._upcoming:
            client = min(self._clients, key=lambda client: len(client.pending))
            if len(client.pending) >= AHEAD:
                return
            client.request(*self._upcoming.popleft())

    def _skip_to(self, wanted: PlayRequest) -> None:
        """Make room for a play that was not asked for ahead. Those that were are for later.

        Of a file that hangs they are not waited for: more of them may hang, each for seconds.
        """
        if self._has_hung:
            self._drop_upcoming()
            return
        for client in self._clients:
            while client.pending:
                self._keep(client.pending[0].request, client.receive(self._patience))
        later = [request for _, request in self._upcoming]
        for _ in range(later.index(wanted) + 1 if wanted in later else 0):
            self._upcoming.popleft()

    def _take_early(self, client: PlayerClient, number: int | None) -> None:
        for request, trace in client.take_before(number):
            self._keep(request, trace)

    def _keep(self, request: PlayRequest, trace: Trace | None) -> None:
        """Keep an answer until it is wanted.

        One that hangs may be due to what was played with it: it is played when it is wanted.
        """
        if trace is not None and not _hangs(trace):
            self._early[encode(request)] = trace
        else:
            self._has_hung = True

    def _drop_upcoming(self) -> None:
        self._upcoming.clear()
        for client in self._clients:
            self._take_early(client, None)
            client.take_lost()


def _is_cut_short(trace: Trace) -> bool:
    return isinstance(trace.outcome.detail, CutShort)


def _hangs(trace: Trace) -> bool:
    return _is_cut_short(trace) or trace.outcome.kind in COSTLY


class Subject:
    """Plays scenarios against one factory of a file.

    Args:
        factory: the name of the function that builds the app.
    """

    def __init__(self, player: FilePlayer, factory: str) -> None:
        self._player = player
        self._factory = factory
        self._hangs = 0
        self._known: Trace | None = None

    def start(self, scenario: Scenario, is_replay: bool = False) -> None:
        """Begin to play; `finish` gives the trace."""
        if self._known is None:
            self._player.start(self._factory, scenario, is_replay)

    def finish(self) -> Trace:
        """The trace of what was started; or the last one, if waiting for more has no point."""
        if self._known is not None:
            return self._known
        trace = self._player.finish()
        self._hangs += _hangs(trace)
        is_enough = self._hangs == MOST_HANGS or (self._hangs and self._player.has_hung_often)
        if trace.outcome.kind in OF_THE_FILE or is_enough:
            self._known = trace
        return trace

    def play(self, scenario: Scenario) -> Trace:
        """Play a scenario from beginning to end."""
        self.start(scenario)
        return self.finish()

    def replay(self, scenario: Scenario) -> Trace:
        """Play a scenario only to explain what was seen."""
        self.start(scenario, is_replay=True)
        return self.finish()
