"""`play`: any ASGI app, in this process, on the virtual clock."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from ..clock.threads import start_in_real_time
from ..errors import UsageError
from ..scenarios import LINGER, Collaborator, InTurn, Request, Scenario, Takes
from ..scenarios import scenario as make_scenario
from ..trace import Trace
from .collaborators import build
from .driver import run_play
from .recorder import Recorder


def play(
    app: Any,
    *requests: Request | Iterable[Request] | Scenario,
    order_seed: int | None = None,
    linger: float = LINGER,
    **collaborators: Collaborator | Mapping[str, Takes | InTurn],
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
        linger: see `Scenario`.
        collaborators: made with `takes`, `fails`, `rows` and so on.

    Raises:
        UsageError: the app is no ASGI app, or a scenario came with something else.
    """
    scenario = _as_scenario(requests, order_seed, linger, collaborators)

    def build_app(recorder: Recorder) -> Any:
        if not scenario.collaborators:
            return app
        made = {
            name: build(description, name, recorder)
            for name, description in scenario.collaborators.items()
        }
        return app(**made)

    if not callable(app):
        raise UsageError(f"an app must be callable, and {app!r} is not", "pass the app itself")
    if not scenario.collaborators and not _takes_three(app):
        raise UsageError(
            f"{app!r} does not take scope, receive and send",
            "pass an ASGI app, or name the collaborators that its factory takes",
        )
    trace: Trace = _in_fresh_thread(lambda: run_play(build_app, scenario))
    return trace


def _as_scenario(
    requests: tuple[Any, ...], order_seed: int | None, linger: float, collaborators: dict[str, Any]
) -> Scenario:
    if len(requests) == 1 and isinstance(requests[0], Scenario):
        if collaborators or order_seed is not None or linger != LINGER:
            raise UsageError("a whole scenario takes no further arguments", "put them into it")
        return requests[0]
    return make_scenario(*requests, order_seed=order_seed, linger=linger, **collaborators)


def _takes_three(app: Any) -> bool:
    try:
        inspect.signature(app).bind(None, None, None)
    except (TypeError, ValueError):
        return False
    return True


def _in_fresh_thread(work: Any) -> Any:
    """Run `work` in a thread without a loop, and hand on what it returns or raises."""
    result: list[Any] = []
    error: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as caught:
            error.append(caught)

    thread = threading.Thread(target=run, name="play")
    start_in_real_time(thread)
    thread.join()
    if error:
        raise error[0]
    return result[0]
