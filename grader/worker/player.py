"""A player: the process that runs the learner's code, one play after another."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import threading
from typing import NoReturn

from ..driver.driver import run_play
from ..scenario import Scenario
from ..trace import Outcome, OutcomeKind, Trace
from .channel import Channel, ChannelClosed, Load, Perform, Performed
from .guard import Guard
from .limits import limit_this_process
from .loading import Source
from .output import Capture, move_standard_streams


class Player:
    """Answers `Perform` messages until its channel is closed."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._source: Source | None = None
        self._capture = Capture(on_flood=self._end_by_flood)
        self._guard = Guard(on_endless=self._end_by_endless_loop)

    def run(self) -> None:
        move_standard_streams(self._capture)
        while True:
            match self._channel.receive(Load | Perform):  # type: ignore[arg-type]
                case Load() as load:
                    self._source = Source(load)
                case Perform(factory, scenario):
                    self._channel.send(self._perform(factory, scenario))

    def _perform(self, factory: str, scenario: Scenario) -> Performed:
        source = self._source
        assert source is not None
        threads = threading.active_count()
        self._capture.start()
        random.seed(0)
        trace = run_play(
            lambda recorder: source.build_app(factory, scenario, recorder),
            scenario,
            is_own=lambda filename: filename == source.path,
            arm=self._guard.arm,
        )
        self._guard.disarm()
        return Performed(self._with_output(trace), spoiled=threading.active_count() > threads + 60)

    def _with_output(self, trace: Trace) -> Trace:
        import msgspec

        return msgspec.structs.replace(trace, output=self._capture.text())

    def _end_by_flood(self) -> NoReturn:
        self._end("output-flood", self._guard.line_now())

    def _end_by_endless_loop(self, line: int | None) -> NoReturn:
        self._end("endless-loop", line)

    def _end(self, kind: OutcomeKind, line: int | None) -> NoReturn:
        """Say what happened and die: there is no way on from here."""
        trace = self._with_output(Trace(outcome=Outcome(kind, line=line)))
        self._channel.send(Performed(trace, spoiled=True))
        os._exit(0)


def be_a_player(channel: Channel, stacks: int) -> NoReturn:
    """What a forked process does with the rest of its life.

    Args:
        stacks: a file descriptor; on SIGUSR1 the stacks of all threads are written to it,
            also when the interpreter never comes back from a call.
    """
    status = 0
    try:
        os.setsid()
        limit_this_process()
        faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True, chain=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Player(channel).run()
    except ChannelClosed:
        pass
    except BaseException:
        status = 70
    finally:
        os._exit(status)
