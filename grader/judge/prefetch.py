"""What a check will play, found out by running it without any player.

Whoever is asked ahead need not wait until the judge has thought about the last play.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ..model.scenarios import Scenario
from ..model.trace import Outcome, Trace
from .samples import SampleData

_OUTCOMES = tuple(one.Exception for one in (pytest.skip, pytest.fail, pytest.xfail, pytest.exit))
_EMPTY = Trace(outcome=Outcome("finished"))


class _Onlooker:
    """Stands for a player. It notes what it is asked for; nothing happens in its plays."""

    def __init__(self) -> None:
        self.scenarios: list[Scenario] = []

    def start(self, scenario: Scenario) -> None:
        self.scenarios.append(scenario)

    def finish(self) -> Trace:
        return _EMPTY


def scenarios_of(item: pytest.Item, draw: SampleData) -> list[Scenario]:
    """The scenarios of a check, as far as they do not depend on what was played before.

    Args:
        draw: of the check; it draws the same values when the check is run.
    """
    learner, reference = _Onlooker(), _Onlooker()
    both = {"learner": learner, "reference": reference}
    given: dict[str, Any] = {"draw": draw, "both": both, **both}
    with suppress(Exception, *_OUTCOMES):  # whatever it is, it is told when the check is run
        arguments = item._fixtureinfo.argnames  # type: ignore[attr-defined]
        item.function(**{name: given[name] for name in arguments})  # type: ignore[attr-defined]
    return learner.scenarios
