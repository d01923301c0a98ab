"""A player: the process that runs the learner's code, one play after another."""

from __future__ import annotations

import faulthandler
import os
import signal
import traceback
from typing import NoReturn

import msgspec

from ..clock import VirtualLoop
from ..clock.clock import ORIGIN_DEPTH
from ..driver.driver import run_play
from ..driver.recorder import Recorder
from ..model.details import (
    ChannelLost,
    Detail,
    GraderProblem,
    LoopStopped,
    Patched,
    Printing,
    Reached,
    TooManyProcesses,
)
from ..model.errors import GraderError
from ..model.scenarios import Scenario
from ..model.trace import Failure, Outcome, OutcomeKind, Trace, encode
from ..processes.channel import Channel, ChannelClosed
from ..processes.limits import (
    MEMORY,
    free_reserve,
    limit_this_process,
    memory_in_use,
    on_too_many_forks,
)
from ..services.base.errors import BrokerLost
from .auditing import hear
from .enclosure import enclose
from .global_state import global_state
from .guard import TICK, Guard
from .loading import LearnerFile
from .meddling import names_what_is_not_public, raised_by
from .messages import (
    BROKEN,
    MOST_RESULT,
    UNENCLOSED,
    UNHEARD,
    Load,
    PlayRequest,
    PlayResult,
)
from .output import MUCH, Capture, empty_sink, is_sink_flooded, move_standard_streams
from .reaching import Reaching
from .world import World

NEAR = 4
"""Frames by which nearly every lost coroutine can be followed to its line. To remember all that
may be needed takes a third of the time of a play; so if they don't do, it is played again."""


class Player:
    """Plays one file: answers `PlayRequest` messages until its channel is closed.

    What the learner's code can reach without effort (the signal handler, the standard
    streams) leads here. So the channel, and the token of a play, are not kept here.

    Args:
        exit_report: a file descriptor for why it ends itself.
        scratch: a folder of its own.
        world: what a play must not replace.
        own_shared_memory: whether the kernel lets it have some.
    """

    def __init__(
        self, exit_report: int, scratch: str, world: World, own_shared_memory: bool
    ) -> None:
        self._exit_report = exit_report
        self._scratch = scratch
        self._own_shared_memory = own_shared_memory
        self._pid = os.getpid()
        self._source: LearnerFile | None = None
        self._world = world
        self._guard = Guard(on_endless=self._end_by_endless_loop)
        self._capture = Capture(self._end_by_flood, self._guard.line_now)
        self._state_before: tuple[object, ...] = ()
        self._stopped_at: int | None = None
        self._recorder: Recorder | None = None
        self._reaching = Reaching(self._is_learners)
        hear(
            {
                "object.__setattr__": world.hear_setattr,
                "ctypes.dlsym": self._reaching.hear_dlsym,
                "ctypes.dlsym/handle": self._reaching.hear_dlsym,
            }
        )

    def _is_learners(self, file: str) -> bool:
        return self._source is not None and (
            file == self._source.path or self._source.is_beside(file)
        )

    def run(self, channel: Channel) -> NoReturn:
        on_too_many_forks(self._end_by_forks)
        move_standard_streams(self._capture)
        while True:
            match channel.receive(Load | PlayRequest):  # type: ignore[arg-type]
                case Load() as load:
                    self.load(load)
                case PlayRequest() as request:
                    channel.send_encoded(encoded_result(self.play(request)))

    def load(self, load: Load) -> None:
        """Play this file from now on."""
        self._enclose(load)
        self._source = LearnerFile(load)
        self._state_before = global_state()

    def play(self, request: PlayRequest) -> PlayResult:
        """Play the file."""
        played = self._perform_or_own_up(request.factory, request.scenario)
        return PlayResult(request.token, *played)

    def _enclose(self, load: Load) -> None:
        try:
            enclose(load.path, load.hidden, self._scratch, self._own_shared_memory)
        except OSError:
            os._exit(UNENCLOSED)

    def _perform_or_own_up(self, factory: str, scenario: Scenario) -> tuple[Trace, bool]:
        """The trace of a play, and whether it has spoiled the process.

        An error of the driver's own is never charged to the learner.
        """
        try:
            return self._perform(factory, scenario)
        except BrokerLost:
            return self._with_output(
                Trace(outcome=Outcome("process-died", detail=ChannelLost()))
            ), True
        except GraderError as error:  # it says what happened, and what to do
            problem = GraderProblem(str(error))
            return Trace(outcome=Outcome("grader-broke", detail=problem)), False
        except MemoryError:
            free_reserve()
            trace = self._out_of_memory()
        except Exception as error:
            trace = Trace(outcome=self._explain(error))
        return self._with_output(trace), True

    def _out_of_memory(self, line: int | None = None) -> Trace:
        """Where nothing is left, not even a traceback, the guard has seen where it went."""
        return Trace(outcome=Outcome("out-of-memory", line=line or self._guard.seen_at))

    def _explain(self, error: Exception) -> Outcome:
        """Why there is no trace."""
        if str(error).startswith("Event loop stopped before"):
            return Outcome("process-died", line=self._stopped_at, detail=LoopStopped())
        text = traceback.format_exc()[-4000:]
        line = raised_by(error, self._is_learners)
        detail = self._meddling() or (Patched() if line else None)
        if detail is None:
            return Outcome("grader-broke", detail=GraderProblem(text))
        failure = Failure(type(error).__name__, "", traceback=text)
        return Outcome("process-died", failure, line=line, detail=detail)

    def _meddling(self) -> Detail | None:
        """What the file does to this process that an error of the driver's may come from."""
        if replaced := self._world.replaced():
            return Patched(replaced)
        if self._reaching.found:
            return Reached(self._reaching.found)
        code = self._source.code if self._source is not None else None
        changes = self._state_before != global_state()
        if changes or (code is not None and names_what_is_not_public(code)):
            return Patched()
        return None

    def _arm(self, recorder: Recorder, loop: VirtualLoop) -> None:
        """Watch a play: that it ends, and who stops its loop."""

        def stop() -> None:
            self._stopped_at = self._guard.line_now()
            VirtualLoop.stop(loop)

        self._stopped_at = None
        self._recorder = recorder
        loop.stop = stop  # type: ignore[method-assign]
        assert self._source is not None
        self._guard.arm(recorder, loop, self._source.is_beside)

    def _perform(
        self, factory: str, scenario: Scenario, origin_depth: int = NEAR
    ) -> tuple[Trace, bool]:
        source = self._source
        assert source is not None
        self._capture.start()
        self._recorder = None
        empty_sink()
        try:
            trace = self._reaching.watch(
                lambda: run_play(
                    lambda context: source.build_app(factory, scenario, context),
                    scenario,
                    is_own=lambda filename: filename == source.path,
                    arm=self._arm,
                    origin_depth=origin_depth,
                )
            )
        finally:
            self._guard.disarm()
        spoiled = self._state_before != global_state()
        if replaced := self._world.replaced():
            trace = Trace(outcome=Outcome("process-died", detail=Patched(replaced)))
            spoiled = True
        elif self._reaching.found:
            trace = Trace(outcome=Outcome("process-died", detail=Reached(self._reaching.found)))
            spoiled = True
        elif self._recorder is not None and self._recorder.is_full:
            trace = Trace(outcome=Outcome("too-much"))
        elif is_sink_flooded():
            trace = Trace(outcome=Outcome("output-flood"))
        elif spoiled and trace.outcome == Outcome("stuck"):
            trace = Trace(outcome=Outcome("process-died", detail=Patched()))
        elif end := _end_of_memory(trace):
            trace, spoiled = self._out_of_memory(end.line), True
        if self._has_lost_track() and origin_depth == NEAR and not spoiled:
            return self._perform(factory, scenario, ORIGIN_DEPTH)
        return self._with_output(_with_line(trace)), spoiled

    def _has_lost_track(self) -> bool:
        return self._recorder is not None and self._recorder.lost_track

    def _with_output(self, trace: Trace, limit: int | None = None) -> Trace:
        return msgspec.structs.replace(trace, output=self._capture.text()[:limit])

    def _end_by_flood(self) -> NoReturn:
        self._end("output-flood", self._guard.line_now())

    def _end_by_endless_loop(self, line: int | None) -> NoReturn:
        # On a slow machine it may not have met yet the other limit, which it was going to meet.
        if memory_in_use() > MEMORY // 4:
            self._end("out-of-memory", line)
        if self._capture.goes_on(within=TICK):
            self._end("output-flood", self._capture.much_at, Printing(MUCH))
        self._end("endless-loop", line)

    def _end_by_forks(self) -> NoReturn:
        self._end("process-died", self._guard.line_now(), TooManyProcesses())

    def _end(self, kind: OutcomeKind, line: int | None, detail: Detail | None = None) -> NoReturn:
        """Report what happened, and end the process."""
        if os.getpid() == self._pid:  # a fork of the learner's has no say
            trace = Trace(outcome=Outcome(kind, line=line, detail=detail))
            os.write(self._exit_report, encode(self._with_output(trace, limit=REPORTED_OUTPUT)))
        os._exit(0)


def encoded_result(result: PlayResult) -> bytes:
    """A result as it is sent. Where a play comes to too much, that is all that is said of it."""
    try:
        body = encode(result)
    except (RecursionError, MemoryError):
        free_reserve()
        body = b""
    if 0 < len(body) <= MOST_RESULT:
        return body
    trace = Trace(outcome=Outcome("too-much"), output=result.trace.output)
    return encode(msgspec.structs.replace(result, trace=trace, spoiled=True))


def _end_of_memory(trace: Trace) -> Outcome | Failure | None:
    """What ended for want of memory: the whole play, or an endpoint. Once is enough."""
    if trace.outcome.kind == "out-of-memory":
        return trace.outcome
    raised = (e.raised for e in trace.exchanges if e.raised is not None)
    return next((failure for failure in raised if failure.type == "MemoryError"), None)


def _with_line(trace: Trace) -> Trace:
    """A program that slept past the time limit has run away at the line where it slept."""
    outcome = trace.outcome
    if outcome.kind != "ran-away" or outcome.line is not None or not trace.incidents:
        return trace
    line = trace.incidents[-1].line
    return msgspec.structs.replace(trace, outcome=msgspec.structs.replace(outcome, line=line))


REPORTED_OUTPUT = 8_000
"""Characters of output in an exit report. A pipe holds them, whatever they are."""


def run_player(
    channel: Channel, stacks: int, scratch: str, world: World, own_shared_memory: bool
) -> NoReturn:
    """What a forked process does with the rest of its life.

    Args:
        stacks: a file descriptor; on SIGUSR1 the stacks of all threads are written to it,
            also when the interpreter never comes back from a call.
        scratch: a folder of its own.
        world: what a play must not replace.
        own_shared_memory: whether the kernel lets it have some.
    """
    status = 0
    no_memory = encode(Trace(outcome=Outcome("out-of-memory")))
    try:
        os.setsid()
        limit_this_process()
        faulthandler.register(signal.SIGUSR1, file=stacks, all_threads=True, chain=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Player(stacks, scratch, world, own_shared_memory).run(channel)
    except ChannelClosed:
        status = UNHEARD
    except MemoryError:
        free_reserve()
        os.write(stacks, no_memory)
    except BaseException:
        status = BROKEN
    finally:
        os._exit(status)
