"""An exact grader for async FastAPI: plays apps on a virtual clock and explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .scenario import (
    Scenario,
    blocks,
    connects,
    delete,
    fails,
    get,
    in_turn,
    post,
    put,
    request,
    rows,
    scenario,
    takes,
    times,
)
from .trace import Exchange, Incident, Span, Trace

if TYPE_CHECKING:
    from .driver.play import play
    from .render.timeline import timeline

__all__ = [
    "Exchange",
    "Incident",
    "Scenario",
    "Span",
    "Trace",
    "blocks",
    "connects",
    "delete",
    "fails",
    "get",
    "in_turn",
    "play",
    "post",
    "put",
    "request",
    "rows",
    "scenario",
    "takes",
    "timeline",
    "times",
]


def __getattr__(name: str) -> Any:
    # The driver imports anyio; a command that only prints a list should not wait for it.
    if name == "play":
        from .driver.play import play

        return play
    if name == "timeline":
        from .render.timeline import timeline

        return timeline
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
