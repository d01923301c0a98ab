"""An exact grader for async FastAPI: plays apps on a virtual clock and explains them."""

from __future__ import annotations

# Nothing is imported here. `python -m grader` runs this before `__main__` can see to it that
# a learner's `typing.py` in the current folder is not what Python finds.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from .model.failures import PlayFailed
    from .model.scenarios import (
        Fault,
        Linear,
        Outage,
        Scenario,
        blocks,
        by_argument,
        client,
        connects,
        delete,
        fails,
        get,
        head,
        in_turn,
        leave,
        mongo,
        opens,
        options,
        patch,
        post,
        postgres,
        put,
        reply,
        request,
        rows,
        say,
        scenario,
        takes,
        times,
        upstream,
        value,
        websocket,
    )
    from .model.trace import Exchange, Incident, Span, Trace
    from .render.timeline import timeline
    from .testing.assertions import assert_never_blocks, assert_nothing_left, assert_overlaps
    from .testing.exploring import explore
    from .testing.play import play
    from .testing.session import session
    from .testing.virtual import run, virtual_time

__all__ = [
    "Exchange",
    "Fault",
    "Incident",
    "Linear",
    "Outage",
    "PlayFailed",
    "Scenario",
    "Span",
    "Trace",
    "assert_never_blocks",
    "assert_nothing_left",
    "assert_overlaps",
    "blocks",
    "by_argument",
    "client",
    "connects",
    "delete",
    "explore",
    "fails",
    "get",
    "head",
    "in_turn",
    "leave",
    "mongo",
    "opens",
    "options",
    "patch",
    "play",
    "post",
    "postgres",
    "put",
    "reply",
    "request",
    "rows",
    "run",
    "say",
    "scenario",
    "session",
    "takes",
    "timeline",
    "times",
    "upstream",
    "value",
    "virtual_time",
    "websocket",
]

# Names are imported when they are asked for: a command should not wait for the driver.
_ELSEWHERE = {
    "play": "testing.play",
    "timeline": "render.timeline",
    **dict.fromkeys(("run", "virtual_time"), "testing.virtual"),
    "explore": "testing.exploring",
    "session": "testing.session",
    **dict.fromkeys(
        ("assert_never_blocks", "assert_nothing_left", "assert_overlaps"), "testing.assertions"
    ),
    "PlayFailed": "model.failures",
    **dict.fromkeys(("Exchange", "Incident", "Span", "Trace"), "model.trace"),
    # For IPython, which asks for them when it reads `%load_ext grader`.
    "load_ipython_extension": "notebook.magics",
    "unload_ipython_extension": "notebook.magics",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__ and name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(f".{_ELSEWHERE.get(name, 'model.scenarios')}", __name__)
    # Set here, because importing `grader.model.scenarios` has put the module under that name.
    globals()[name] = value = getattr(home, name)
    return value
