"""What an id of a diagnosis means: words, and two programs that were played."""

from __future__ import annotations

import msgspec

from .trace import Trace


class PlayedProgram(msgspec.Struct, frozen=True):
    """A program, what happened when it was played, and what the grader says of it, if anything."""

    source: str
    trace: Trace
    verdict: str = ""


class Explanation(msgspec.Struct, frozen=True):
    """What an id means.

    Attributes:
        summary: one sentence.
        reason: what happens, and why it is bad.
        remedy: what to do instead.
        wrong: a small program that does it; `right` does not. A lesson's own id has none.
    """

    id: str
    summary: str
    reason: str
    remedy: str
    wrong: PlayedProgram | None = None
    right: PlayedProgram | None = None
