"""Other scenarios of the same requests, which rules play to tell one cause from another."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec

from ...model.scenarios import Behaviour, ByArgument, InTurn, Scenario, Takes, Value
from ...model.trace import to_seconds

_MOST = 24
"""Requests that are played one by one, at the most."""


def one_by_one(scenario: Scenario) -> Scenario | None:
    """The same requests far apart; None if they do not come together in the first place."""
    moments = [request.at for request in scenario.requests]
    if len(moments) < 2 or max(moments) - min(moments) > 50:
        return None
    apart = tuple(
        msgspec.structs.replace(request, at=60.0 * number)
        for number, request in enumerate(scenario.requests[:_MOST])
    )
    limit = 60.0 * _MOST
    return msgspec.structs.replace(scenario, requests=apart, order_seed=None, time_limit=limit)


def without_waiting(scenario: Scenario) -> Scenario | None:
    """The same requests at the same moments, in turn: no call of a collaborator takes time.

    None if there are other collaborators than functions and values.
    """
    if any(not isinstance(c, Behaviour | Value) for c in scenario.collaborators.values()):
        return None
    given = {name: _at_once(one) for name, one in scenario.collaborators.items()}
    return msgspec.structs.replace(
        scenario, requests=_in_turn(scenario.requests), collaborators=given, order_seed=None
    )


def _at_once(one: Any) -> Any:
    match one:
        case Takes():
            return msgspec.structs.replace(one, seconds=0.0)
        case InTurn():
            return msgspec.structs.replace(one, steps=tuple(map(_at_once, one.steps)))
        case ByArgument():
            cases = tuple(
                msgspec.structs.replace(case, behaves=_at_once(case.behaves)) for case in one.cases
            )
            return msgspec.structs.replace(one, cases=cases, otherwise=_at_once(one.otherwise))
    return one


def _in_turn(requests: tuple[Any, ...]) -> tuple[Any, ...]:
    """The requests, those of one moment each a tick after the one before."""
    seen = Counter[float]()
    moved = []
    for request in requests:
        moved.append(msgspec.structs.replace(request, at=request.at + to_seconds(seen[request.at])))
        seen[request.at] += 1
    return tuple(moved)
