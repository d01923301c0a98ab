"""`play`: any ASGI app, in this process, on the virtual clock."""

from __future__ import annotations

import contextvars
import datetime
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any, get_args

import msgspec

from ..clock.current import current_clock
from ..clock.threads import start_in_real_time
from ..driver.collaborators import build_all
from ..driver.context import PlayContext
from ..driver.driver import Arm, run_play
from ..model.errors import UsageError
from ..model.scenarios import DRAIN, PATIENCE, Behaviour, Collaborator, Request, Scenario, WebSocket
from ..model.scenarios import scenario as make_scenario
from ..model.trace import Trace
from ..services.registry import new_service
from .watchdog import Watchdog, with_blocked_line


def play(
    app: Any,
    *requests: Request | WebSocket | Iterable[Request | WebSocket] | Scenario,
    order_seed: int | None = None,
    drain: float = DRAIN,
    now: datetime.datetime | float | None = None,
    patience: float = PATIENCE,
    **collaborators: Collaborator | Mapping[str, Behaviour],
) -> Trace:
    """Play requests against an ASGI app on a virtual clock, and return the trace.

        trace = play(app, get("/dashboard"))
        assert trace.exchanges[0].elapsed == 1.0

    It works where a loop is already running, as in a notebook: the play then has a
    thread of its own. Nothing waits in real time.

    Args:
        app: an ASGI app; or, with `collaborators`, a factory that takes them by name.
        requests: made with `get`, `post` and so on; or one whole `Scenario`.
        order_seed: see `Scenario`.
        drain: see `Scenario`.
        now: the date and time at which it begins, as a datetime with a time zone or a timestamp.
            Without it that is what `time.time()` says: the real one, or the one that freezegun
            or time-machine has set.
        patience: see `Scenario`.
        collaborators: made with `takes`, `fails`, `rows` and so on.

    Raises:
        UsageError: the app is no ASGI app, or a scenario came with something else.
    """
    settings = {"order_seed": order_seed, "drain": drain, "now": now, "patience": patience}
    scenario = _as_scenario(requests, settings, collaborators)
    if scenario.now is None:
        scenario = msgspec.structs.replace(scenario, now=time.time())

    _check(app, scenario)

    def build_app(context: PlayContext) -> Any:
        if not scenario.collaborators:
            return app
        made = app(**build_all(scenario.collaborators, context, new_service))
        if not callable(made):
            raise UsageError(f"the factory returned {made!r}, which is no app", "return the app")
        return made

    # What a play replaces in the process must be put back before the next one replaces it;
    # only a play within a play comes to its end in that order by itself.
    with _one_at_a_time if current_clock() is None else nullcontext():
        return _in_fresh_thread(lambda arm: run_play(build_app, scenario, arm=arm))


_one_at_a_time = threading.Lock()


def _check(app: Any, scenario: Scenario) -> None:
    for name, description in scenario.collaborators.items():
        if not isinstance(description, get_args(Collaborator)):
            raise UsageError(
                f"{name}={description!r} is no collaborator", "make one with takes(), rows() ..."
            )
    if not callable(app):
        raise UsageError(f"an app must be callable, and {app!r} is not", "pass the app itself")
    if scenario.collaborators and not _takes(app, **scenario.collaborators):
        names = ", ".join(scenario.collaborators)
        raise UsageError(f"{app!r} does not take {names}", "name the factory's own parameters")
    plain = inspect.isfunction(app) and not inspect.iscoroutinefunction(app)
    no_app = isinstance(app, type) or plain or not _takes(app, 0, 0, 0)
    if not scenario.collaborators and no_app:
        raise UsageError(
            f"{app!r} does not take scope, receive and send",
            "pass an ASGI app, or name the collaborators that its factory takes",
        )


def _as_scenario(
    requests: tuple[Any, ...], settings: dict[str, Any], collaborators: dict[str, Any]
) -> Scenario:
    if any(isinstance(request, Scenario) for request in requests):
        alone = len(requests) == 1 and not collaborators
        if not alone or settings != _DEFAULTS:
            raise UsageError("a whole scenario takes no further arguments", "put them into it")
        whole: Scenario = requests[0]
        return whole
    for item in requests:
        several = isinstance(item, list | tuple)
        if not all(
            isinstance(one, Request | WebSocket) for one in ((item,) if not several else item)
        ):
            raise UsageError(f"{item!r} is no request", "make one with get(), post() ...")
    return make_scenario(*requests, **settings, **collaborators)


_DEFAULTS = {"order_seed": None, "drain": DRAIN, "now": None, "patience": PATIENCE}


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
            result.append(context.run(work, rescue.arm))
        except BaseException as caught:
            error.append(caught)

    thread = threading.Thread(target=run, name="play")
    rescue = Watchdog(thread)
    start_in_real_time(thread)
    if current_clock() is None:
        rescue.join()
    else:  # the play around this one is looked after
        thread.join()
    if error:
        raise error[0]
    return with_blocked_line(result[0], rescue.line)


def _drawn(trace: Trace) -> str:
    from ..render.svg import timeline_svg

    return timeline_svg(trace)


setattr(Trace, "_repr_html_", _drawn)  # noqa: B010  notebooks ask a value for its picture
