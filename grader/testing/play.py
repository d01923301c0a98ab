"""`play`: any ASGI app, in this process, on the virtual clock."""

from __future__ import annotations

import contextvars
import gc
import inspect
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import msgspec

from ..clock import VirtualLoop
from ..clock.current import current_clock
from ..clock.threads import start_in_real_time
from ..driver.collaborators import build_all
from ..driver.context import PlayContext
from ..driver.driver import Arm, run_play
from ..driver.recorder import Recorder
from ..model.errors import UsageError
from ..model.scenarios import Request, Scenario, WebSocket, check_collaborator
from ..model.scenarios import scenario as make_scenario
from ..model.trace import Trace
from ..services.registry import new_service
from .watchdog import Watchdog


def play(
    app: Any,
    *requests: Request | WebSocket | Iterable[Request | WebSocket] | Scenario,
    overrides: Mapping[Any, Callable[..., Any]] | None = None,
    environment: Mapping[str, str] | None = None,
    raise_app_exceptions: bool = False,
    **options: Any,
) -> Trace:
    """Play requests against an ASGI app on a virtual clock, and return the trace.

        trace = play(app, get("/dashboard"))
        assert trace.exchanges[0].elapsed == 1.0

    It works where a loop is already running, as in a notebook: the play then has a
    thread of its own. Nothing waits in real time.

    Args:
        app: an ASGI app; or, with collaborators or `starts`, a factory that takes them by name.
        requests: made with `get`, `post` and so on; or one whole `Scenario`.
        overrides: what stands in for dependencies of a FastAPI app, in this play.
        environment: environment variables, in this play.
        raise_app_exceptions: whether the first exception that the app lets out is raised here.
        options: the settings of `Scenario`, such as `order_seed` and `now`; and collaborators,
            made with `takes`, `fails`, `rows` and so on. Without `now` a play begins at what
            `time.time()` says: the real date, or the one that freezegun or time-machine has set.

    Raises:
        UsageError: the app isn't an ASGI app, or a scenario came with something else.
    """
    plan = Plan(app, requests, options, keeps_raised=raise_app_exceptions)
    with _replaced(app, overrides or {}, environment or {}):
        trace = plan.trace()
    if plan.raised is not None:
        raise plan.raised
    return trace


class Plan:
    """What is to be played, once it is checked; it can be played any number of times.

    Attributes:
        raised: the first exception that the app let out in the last play, if it is kept.

    Raises:
        UsageError: as `play` does.
    """

    def __init__(
        self,
        app: Any,
        requests: Iterable[Any],
        options: Mapping[str, Any],
        keeps_raised: bool = False,
    ) -> None:
        self._app = app
        self._scenario = _as_scenario(tuple(requests), options)
        _check(app, self._scenario)
        self.raised: BaseException | None = None
        self._keeps_raised = keeps_raised
        self._recorder: Recorder | None = None

    def trace(self, arm: Arm | None = None) -> Trace:
        """Play it.

        Args:
            arm: called with the recorder and the loop of the play, before the app is built.
        """
        scenario = self._scenario
        if scenario.now is None:
            scenario = msgspec.structs.replace(scenario, now=time.time())

        def run(guard: Arm) -> Trace:
            def arm_both(recorder: Recorder, loop: VirtualLoop) -> None:
                self._recorder = recorder
                recorder.keeps_raised = self._keeps_raised
                guard(recorder, loop)
                if arm is not None:
                    arm(recorder, loop)

            return run_play(self._build, scenario, arm=arm_both)

        # What a play replaces in the process must be put back before the next one replaces it;
        # only a play within a play comes to its end in that order by itself.
        with _one_at_a_time if current_clock() is None else nullcontext():
            trace = _in_fresh_thread(run)
        self.raised = self._recorder.raised if self._recorder is not None else None
        self._recorder = None
        if current_clock() is None:
            _collect_leftovers()
        return trace

    def _build(self, context: PlayContext) -> Any:
        if not _wants_factory(self._scenario):
            return self._app
        made = self._app(**build_all(self._scenario.collaborators, context, new_service))
        if not callable(made):
            raise UsageError(f"the factory returned {made!r}, which isn't an app", "return the app")
        return made


@contextmanager
def _replaced(
    app: Any, overrides: Mapping[Any, Callable[..., Any]], environment: Mapping[str, str]
) -> Iterator[None]:
    """Dependencies and environment variables, for a while."""
    if overrides and not hasattr(app, "dependency_overrides"):
        raise UsageError("overrides need a FastAPI app", "override dependencies in the factory")
    known = dict(app.dependency_overrides) if overrides else {}
    before = dict(os.environ) if environment else {}
    os.environ.update(environment)
    if overrides:
        app.dependency_overrides.update(overrides)
    try:
        yield
    finally:
        if overrides:
            app.dependency_overrides.clear()
            app.dependency_overrides.update(known)
        if environment:
            os.environ.clear()
            os.environ.update(before)


_one_at_a_time = threading.Lock()


def _wants_factory(scenario: Scenario) -> bool:
    return bool(scenario.collaborators) or scenario.starts > 1


def _check(app: Any, scenario: Scenario) -> None:
    for name, description in scenario.collaborators.items():
        check_collaborator(name, description)
    if not callable(app):
        raise UsageError(f"an app must be callable, and {app!r} is not", "pass the app itself")
    if _wants_factory(scenario) and not _takes(app, **scenario.collaborators):
        if not scenario.collaborators:
            raise UsageError(
                f"starts={scenario.starts} builds the app again, and {app!r} takes arguments",
                "pass a function that builds the app and returns it",
            )
        names = ", ".join(scenario.collaborators)
        raise UsageError(f"{app!r} does not take {names}", "name the factory's own parameters")
    plain = inspect.isfunction(app) and not inspect.iscoroutinefunction(app)
    no_app = isinstance(app, type) or plain or not _takes(app, 0, 0, 0)
    if not _wants_factory(scenario) and no_app:
        raise UsageError(
            f"{app!r} does not take scope, receive and send",
            "pass an ASGI app, or name the collaborators that its factory takes",
        )


def _as_scenario(requests: tuple[Any, ...], options: Mapping[str, Any]) -> Scenario:
    if any(isinstance(request, Scenario) for request in requests):
        if len(requests) > 1 or options:
            raise UsageError("a whole scenario takes no further arguments", "put them into it")
        whole: Scenario = requests[0]
        return whole
    for item in requests:
        several = item if isinstance(item, list | tuple) else (item,)
        if not all(isinstance(one, Request | WebSocket) for one in several):
            raise UsageError(f"{item!r} isn't a request", "make one with get(), post() ...")
    return make_scenario(*requests, **_with_new_names(options))


_FORMERLY = {"linger": "drain", "horizon": "time_limit"}


def _with_new_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that had another name once are still understood."""
    for old in _FORMERLY.keys() & options.keys():
        warnings.warn(f"{old}= is called {_FORMERLY[old]}= now", DeprecationWarning, stacklevel=4)
    return {_FORMERLY.get(name, name): value for name, value in options.items()}


def _takes(function: Any, *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return False
    return True


def _in_fresh_thread(work: Callable[[Arm], Trace]) -> Trace:
    """Run `work` in a thread without a loop, and hand on what it returns or raises.

    It sees the context variables of the caller.
    """
    context = contextvars.copy_context()
    result: list[Trace] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            result.append(context.run(work, watchdog.arm))
        except BaseException as caught:
            error.append(caught)

    thread = threading.Thread(target=run, name="play", daemon=True)
    watchdog = Watchdog(thread)
    if current_clock() is None:
        watchdog.run()
    else:  # the play around this one is looked after
        start_in_real_time(thread)
        thread.join()
    if error:
        raise error[0]
    return watchdog.trace(result)


def _collect_leftovers() -> None:
    """Let what a play has left unreachable die here, and not in the middle of something else.

    What dies may run code, such as printing a traceback, for which Python parses the line. In
    Python 3.11 that makes an `ast.parse` fail that it interrupts. As nothing is collected during
    a play, all that it has made is young, and this takes no time to speak of.
    """
    gc.collect(1)


def _drawn(trace: Trace) -> str:
    from ..render.svg import timeline_svg

    return timeline_svg(trace)


setattr(Trace, "_repr_html_", _drawn)  # noqa: B010  notebooks ask a value for its picture
