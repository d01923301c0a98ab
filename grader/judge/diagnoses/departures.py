"""Clients that leave in the middle, and what of theirs stays behind."""

from __future__ import annotations

import msgspec

from ...model.scenarios import Request, Scenario
from ...model.trace import Exchange
from ..aspects.answers import statuses
from .case import Case, of_line
from .overload import REFUSALS
from .registry import Finding, rule


@rule("place-lost", "status", "body")
def place_not_freed(case: Case) -> Finding | None:
    """Finds it where a client leaves in the middle."""
    if all(exchange.hung_up is None for exchange in case.got.exchanges):
        return None
    refused = [ours for ours, theirs in case.exchanges() if _is_refused(ours, theirs)]
    if not refused:
        return None
    got, expected = case.replay(_without_those_who_leave(case.scenario))
    if got.outcome.kind != "finished" or statuses(got) != statuses(expected):
        return None
    ours = refused[0]
    return Finding(
        ours.line,
        f"{ours.method} {ours.path}{of_line(ours.line)} is refused with {ours.status}, though "
        "those who were there before have left: without them it is accepted. What frees a place "
        "when a client leaves in the middle?",
    )


def _is_refused(ours: Exchange, theirs: Exchange) -> bool:
    return ours.status in REFUSALS and theirs.status is not None and theirs.status < 300


def _without_those_who_leave(scenario: Scenario) -> Scenario:
    stay = [r for r in scenario.requests if isinstance(r, Request) and not _leaves(r)]
    return msgspec.structs.replace(scenario, requests=tuple(stay))


def _leaves(request: Request) -> bool:
    return request.hangs_up_at is not None or request.hangs_up_after is not None
