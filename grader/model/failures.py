"""What is raised in a test whose code did not come to its end."""

from __future__ import annotations

from .details import LoopBlocked
from .trace import Outcome, Waiting


class PlayFailed(AssertionError):
    """The code did not come to its end: it got stuck, ran away, or died.

    Attributes:
        outcome: how it ended, with what is known of why.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(words(outcome))
        self.outcome = outcome


def words(outcome: Outcome) -> str:
    """An outcome in words."""
    place = f" at line {outcome.line}" if outcome.line else ""
    said = f": {outcome.failure.type}: {outcome.failure.text}" if outcome.failure else ""
    match outcome.kind:
        case "stuck":
            waits = "".join(f"\n  {_wait(waiting)}" for waiting in outcome.waiting)
            return f"{_stuck(outcome, place)}{waits}"
        case "ran-away":
            return f"the program never comes to its end{place}"
        case kind:
            return f"the play ended early ({kind}){place}{said}"


def _stuck(outcome: Outcome, place: str) -> str:
    if isinstance(outcome.detail, LoopBlocked):
        return f"{outcome.detail.call or 'a call'}{place} blocks the event loop for ever"
    return f"nothing can ever wake the program{place}"


def _wait(waiting: Waiting) -> str:
    place = f" at line {waiting.line}" if waiting.line else ""
    return f"{waiting.task} waits for {waiting.what}{place}"
