"""Plays a scenario against an app on the virtual clock, and returns the trace."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import anyio.to_thread

from ..clock import EPOCH, Clock, RanAway, Stuck, VirtualLoop, clocks_installed, use_clock
from ..clock.clock import ORIGIN_DEPTH, PlayOver
from ..clock.current import outside_of_loop
from ..clock.restarts import take_over_threads
from ..model.details import GraderProblem, LoopBlocked, RaisedExit
from ..model.scenarios import Scenario
from ..model.trace import Outcome, Trace, Waiting, to_ticks
from .blocking import blocking_call
from .callbacks import exception_handler
from .cancellation import report_swallowed
from .closing import cancel_leftovers, close, drain, exit_process, settle
from .context import PlayContext
from .lifespan import Lifespan
from .lines import Lines
from .observing import watching
from .ownership import written_by_the_user
from .recorder import Recorder, current_exchange
from .references import References
from .serving import Serving
from .stuck import MOST_WAITS, waiting
from .tasks import Tasks

BuildApp = Callable[[PlayContext], Any]
"""Makes the app to play, or returns the `Outcome` that says why it cannot."""
Arm = Callable[[Recorder, VirtualLoop], Any]
"""Is called with what a guard needs to watch a play."""


def run_play(
    build_app: BuildApp,
    scenario: Scenario,
    is_own: Callable[[str], bool] = written_by_the_user,
    arm: Arm | None = None,
    origin_depth: int = ORIGIN_DEPTH,
) -> Trace:
    """Play `scenario` in this thread, which must have no running loop.

    Args:
        is_own: whether lines are reported of a file, by its name.
        arm: called before foreign code runs, with what a guard needs to watch it.
        origin_depth: see `Clock`.
    """
    clock = Clock(
        time_limit=to_ticks(scenario.last_moment + scenario.time_limit),
        epoch=EPOCH if scenario.now is None else scenario.now,
        patience=scenario.patience,
        origin_depth=origin_depth,
    )
    recorder = Recorder(clock, Lines(is_own))
    loop = VirtualLoop(clock)
    context = PlayContext(recorder, loop)
    with ExitStack() as installed:
        loop.on_abandon = installed.close
        installed.enter_context(clocks_installed())
        installed.enter_context(use_clock(clock))
        installed.enter_context(watching(loop, recorder))
        installed.enter_context(_no_collection())
        installed.enter_context(_random_numbers(scenario.random_seed))
        try:
            take_over_threads(clock)
            current_exchange.set(None)  # a play within a play is not of an exchange of that one
            if arm is not None:
                arm(recorder, loop)
            app = build_app(context)
            if isinstance(app, Outcome):
                recorder.close()
                return Trace(outcome=app, incidents=tuple(recorder.incidents), ended=clock.now)
            driver = Driver(app, scenario, context, build_app)
            return driver.trace(driver.run())
        except PlayOver as error:  # before there was a loop that could have ended
            line = recorder.lines.of_error(error)
            return Trace(outcome=Outcome("stuck", line=line, detail=LoopBlocked()))
        finally:
            clock.finish()
            context.release()
            close(loop)


@contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """The same random numbers in each play; the caller's go on where they were."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no garbage during a play: when it is done would be up to chance."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Driver:
    """One play of one app: lifespan, requests at their moments, and what is left behind.

    Args:
        build_app: makes the app anew for another start of the server.
    """

    def __init__(
        self, app: Any, scenario: Scenario, context: PlayContext, build_app: BuildApp
    ) -> None:
        self.app = app
        self.build_app = build_app
        self.scenario = scenario
        self.context = context
        self.recorder = context.recorder
        self.loop = context.loop
        self.clock = context.clock
        self.tasks = Tasks(self.recorder)
        self.references = References(self.tasks, self.recorder, self.loop.at_rest.append)
        self.serving: Serving | None = None
        self.unbuilt: Outcome | None = None
        self.opened = 0
        self.lifespan = Lifespan(app, self.recorder)
        self.loop.set_task_factory(self.tasks)
        self.loop.set_exception_handler(exception_handler(self.recorder, self.tasks))

    def run(self) -> Outcome:
        """Run the scenario to its end, or to where nothing more can be expected."""
        over: asyncio.Future[Outcome] = self.loop.create_future()
        self.loop.on_end = lambda why: settle(over, self.explain(why))
        self.clock.on_blocked = lambda what: settle(over, self.blocked(what))
        if self.scenario.order_seed is not None:
            self.clock.tie_break = random.Random(self.scenario.order_seed).random
        script = asyncio.Task(self.perform(), loop=self.loop)  # not one of the play's own
        script.add_done_callback(lambda _: settle(over, self.ending(script)))
        try:
            return self.loop.run_until_complete(over)
        except (SystemExit, KeyboardInterrupt) as error:
            # A task of the app's wants to exit. asyncio raises that out of the running loop,
            # and a server would stop.
            failure = self.recorder.failure(error)
            return Outcome("process-died", failure, failure.line, detail=RaisedExit(failure.type))
        finally:
            self.loop.on_end = None

    def blocked(self, what: str) -> Outcome:
        """The loop's own thread waits, at its running line, for what never comes."""
        call = blocking_call(self.recorder, what, sys._getframe(1), libraries=frozenset())
        self.recorder.close()  # what happens once the wait is broken off isn't part of the play
        detail = LoopBlocked(call.name if call else what)
        line = call.line if call else None
        return Outcome("stuck", line=line, detail=detail, waiting=self.waits())

    def ending(self, script: asyncio.Task[None]) -> Outcome:
        script.result()  # an error of the driver's own is not an outcome
        return self.unbuilt or self.lifespan.outcome()

    async def perform(self) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = self.scenario.threads
        await self.context.open()
        for left in reversed(range(self.scenario.starts)):
            await self.live(left)
            if not left or self.lifespan.failed or not await self.start_again():
                break
        await self.context.close()
        self.tasks.report_unasked()
        self.recorder.close()
        await cancel_leftovers(self.loop)

    async def live(self, starts_left: int) -> None:
        """From the start of the server to its stop."""
        await self.lifespan.start_up()
        if not self.context.is_serving:
            self.opened = self.clock.now
            self.context.is_serving = True
        if not self.lifespan.failed:
            await self.serve(starts_left)
        await self.lifespan.shut_down(self.scenario.lifespan_end)
        await exit_process(self.loop)

    async def serve(self, starts_left: int) -> None:
        if self.serving is None:
            self.serving = Serving(self.scenario, self.context, self.references, self.opened)
        stops = starts_left > 0 or self.scenario.starts == 1
        stops_at = self.scenario.stops_at if stops else None
        self.serving.start(self.app, self.lifespan.state, stops_at)
        if starts_left:
            await self.serving.until_stopped()
            return
        await self.serving.until_over()
        if stops_at is None:
            await drain(self.loop, self.tasks, self.scenario.drain)

    async def start_again(self) -> bool:
        """End what a process ends with it, and build the app of another; whether there is one."""
        await cancel_leftovers(self.loop)
        self.context.end_clients()
        with outside_of_loop():
            app = self.build_app(self.context)
        if isinstance(app, Outcome):
            self.unbuilt = app
            return False
        self.app = app
        self.lifespan = Lifespan(app, self.recorder)
        return True

    def explain(self, why: Stuck | RanAway) -> Outcome:
        """Why the play could not go on, with what every task was waiting for."""
        waits = self.waits()
        if isinstance(why, Stuck):
            return Outcome("stuck", line=waits[0].line if waits else None, waiting=waits)
        return Outcome("ran-away", line=self.recorder.last_own_line, waiting=waits)

    def waits(self) -> tuple[Waiting, ...]:
        """What tasks and threads wait for; first those that hold up the others."""
        workers, own = self.waiting_threads(works_for_task=True), self.waiting_threads(False)
        return (*waiting(self.tasks, workers), *own)[:MOST_WAITS]

    def waiting_threads(self, works_for_task: bool) -> list[Waiting]:
        """Where threads wait: those of pools, or those that the app itself has made."""
        frames = sys._current_frames()
        made = {one.ident for one in threading.enumerate() if hasattr(one, "left_clock")}
        idents = [one for one in self.clock.resting_threads() if (one in made) != works_for_task]
        lines = [self.recorder.lines.of_stack(frames[one]) for one in idents if one in frames]
        return [Waiting("thread", line, "a thread") for line in lines if line is not None]

    def trace(self, outcome: Outcome) -> Trace:
        self.tasks.report_unasked()
        report_swallowed(self.tasks, self.recorder)
        ended = self.recorder.close()
        # A coroutine that was lost in a cycle is reported now. All that the play made is
        # still in the youngest generation, for nothing was collected meanwhile.
        self.recorder.before_end()
        gc.collect(0)
        broken = self.context.broken
        return Trace(
            outcome=Outcome("grader-broke", detail=GraderProblem(broken)) if broken else outcome,
            exchanges=self.serving.exchanges() if self.serving is not None else (),
            spans=tuple(self.recorder.spans),
            incidents=tuple(sorted(self.recorder.incidents, key=lambda one: one.at)),
            logs=tuple(self.recorder.logs),
            readings=self.context.readings,
            opened=self.opened,
            ended=ended,
        )
