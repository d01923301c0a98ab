"""What the solution did in the checks of an exercise, for its author to see."""

from __future__ import annotations

import msgspec

from .scenarios import Scenario
from .trace import Trace


class PlayFacts(msgspec.Struct, frozen=True):
    """A play that a check looks at.

    Attributes:
        aspects: what it looks at, each by its name, with what it sees in words.
    """

    scenario: Scenario
    trace: Trace
    aspects: tuple[tuple[str, str], ...]


class CheckFacts(msgspec.Struct, frozen=True):
    """A check, and what the solution did in it.

    Attributes:
        name: of its function.
        says: its docstring.
        problem: why it couldn't be run to its end; empty if it could.
        plays: those that it compares, in their order.
    """

    name: str
    says: str
    problem: str
    plays: tuple[PlayFacts, ...]
