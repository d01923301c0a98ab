"""What judge and player say to each other.

A player shares its process with the learner's code, so that code can find the socket and
write to it. Each play is therefore asked for with a token that cannot be guessed, and only
the answer that bears it counts. This keeps out what writes blindly, or reads what modules
and their objects hold. It cannot keep out code that walks the stack down to the function
that holds the token, or reads it from memory: within one process Python hides nothing.
"""

from __future__ import annotations

import msgspec

from ..model.scenarios import Scenario
from ..model.trace import OutcomeKind, Trace

EXIT_REPORTS: frozenset[OutcomeKind] = frozenset(
    {"endless-loop", "out-of-memory", "output-flood", "process-died"}
)
"""Outcomes that a player reports itself before it ends: as a `Trace` in JSON, over the pipe
for stacks. No token is needed to bring oneself down."""

BROKEN, UNHEARD, UNENCLOSED = 70, 71, 72
"""The exit statuses of a player whose own code does not work any more, whose channel is closed,
or that could not shut itself in. The judge closes the channel, too, but then does not ask for
the status."""


class Load(msgspec.Struct, frozen=True, tag="load"):
    """The file to play from now on. `source` is its text; the file itself is not read again.

    Attributes:
        hidden: folders that the file may not read, where the system can see to that.
    """

    source: str
    path: str
    hidden: tuple[str, ...] = ()


class PlayRequest(msgspec.Struct, frozen=True, tag="perform"):
    """Play `scenario` against the app that the function `factory` of the file builds.

    `token` is to come back with the answer.
    """

    factory: str
    scenario: Scenario
    token: str = ""


class PlayResult(msgspec.Struct, frozen=True):
    """What came of a `PlayRequest`. A spoiled player has to be replaced before the next one.

    The token comes first, so that it can be looked at before the rest is decoded.
    """

    token: str
    trace: Trace
    spoiled: bool = False


def opening_of(token: str) -> bytes:
    """How a `PlayResult` with this token begins, as it is sent."""
    return b'{"token":' + msgspec.json.encode(token)


MOST_RESULT = 8 * 1024 * 1024
"""Bytes of a result. A play that comes to more has the outcome `too-much`."""
