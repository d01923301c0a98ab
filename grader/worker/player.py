"""A player: the process that runs the learner's code, one play after another."""

from __future__ import annotations

import faulthandler
import os
import random
import signal
import traceback
from typing import NoReturn

import msgspec

from ..clock import clocks_installed
from ..driver.driver import run_play
from ..driver.watch import blocking_calls_noted
from ..errors import GraderError
from ..scenarios import Scenario
from ..trace import Outcome, OutcomeKind, Trace
from .channel import Channel, ChannelClosed, Load, Perform, Performed
from .guard import Guard
from .limits import MEMORY, limit_this_process, memory_in_use
from .loading import Source, remember_sources
from .output import Capture, move_standard_streams
from .world import world


class Player:
    """Answers `Perform` messages until its channel is closed."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._source: Source | None = None
        self._capture = Capture(on_flood=self._end_by_flood)
        self._guard = Guard(on_endless=self._end_by_endless_loop)
        self._world: tuple[object, ...] = ()

    def run(self) -> None:
        move_standard_streams(self._capture)
        remember_sources()
        with clocks_installed(), blocking_calls_noted():
            self._serve()

    def _serve(self) -> NoReturn:
        while True:
            match self._channel.receive(Load | Perform):  # type: ignore[arg-type]
                case Load() as load:
                    if self._source is not None:
                        self._source.forget()
                    self._source = Source(load)
                    self._world = world()
                case Perform(factory, scenario):
                    self._channel.send(self._perform_or_own_up(factory, scenario))

    def _perform_or_own_up(self, factory: str, scenario: Scenario) -> Performed:
        """A play; an error of the driver's own is never charged to the learner."""
        try:
            return self._perform(factory, scenario)
        except GraderError as error:  # it says what happened, and what to do
            return Performed(Trace(outcome=Outcome("grader-broke", detail=str(error))))
        except Exception:
            outcome = Outcome("grader-broke", detail=traceback.format_exc()[-4000:])
            return Performed(Trace(outcome=outcome), spoiled=True)

    def _perform(self, factory: str, scenario: Scenario) -> Performed:
        source = self._source
        assert source is not None
        self._capture.start()
        random.seed(0)
        trace = run_play(
            lambda stage: source.build_app(factory, scenario, stage),
            scenario,
            is_own=lambda filename: filename == source.path,
            arm=self._guard.arm,
        )
        self._guard.disarm()
        found, self._world = self._world, world()
        return Performed(self._with_output(trace), spoiled=found != self._world)

    def _with_output(self, trace: Trace) -> Trace:
        return msgspec.structs.replace(trace, output=self._capture.text())

    def _end_by_flood(self) -> NoReturn:
        self._end("output-flood", self._guard.line_now())

    def _end_by_endless_loop(self, line: int | None) -> NoReturn:
        eats = memory_in_use() > MEMORY // 4  # it would have met the other limit soon
        self._end("out-of-memory" if eats else "endless-loop", line)

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
