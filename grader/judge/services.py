"""What has to run before a scenario can be played."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.scenarios import Scenario
from ..services.registry import tag_of, wake


def start_services(scenarios: Iterable[Scenario]) -> None:
    """Start what these scenarios need, and don't wait for it.

    A player can't do so: what it starts has its limits, and ends with it.

    Raises:
        GraderError: something can't be started.
    """
    wake({tag_of(c) for s in scenarios for c in s.collaborators.values()} - {""})
