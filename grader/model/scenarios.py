"""The scenario: what a play is to do, as plain data.

A scenario says which requests come at which virtual moments, and how the collaborators
(what an app factory is handed from outside) behave. It crosses a process border as
JSON, so it holds no code: `grader.driver.collaborators` builds the callables.

    scenario(get("/dashboard"), fetch_user=takes(1), fetch_orders=fails(after=2))
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from .clients import client
from .collaborators import (
    CLOSED,
    CLOSED_MEANWHILE,
    Behaviour,
    Blocks,
    ByArgument,
    Error,
    InTurn,
    Named,
    Opens,
    Rows,
    Takes,
    Value,
    blocks,
    by_argument,
    connects,
    fails,
    in_turn,
    opens,
    rows,
    takes,
    value,
)
from .dates import timestamp
from .described import Count, Described, is_several
from .errors import UsageError
from .requests import Request, delete, get, head, options, patch, post, put, request, times
from .services import (
    Fault,
    Mongo,
    OtherService,
    Outage,
    Postgres,
    Reply,
    Upstream,
    mongo,
    postgres,
    reply,
    upstream,
)
from .values import Linear
from .websockets import Leave, Say, WebSocket, leave, say, websocket

__all__ = [
    "CLOSED",
    "CLOSED_MEANWHILE",
    "DRAIN",
    "PATIENCE",
    "THREADS",
    "TIME_LIMIT",
    "Behaviour",
    "Blocks",
    "ByArgument",
    "Collaborator",
    "Described",
    "Error",
    "Fault",
    "InTurn",
    "Leave",
    "Linear",
    "Mongo",
    "Named",
    "Opens",
    "OtherService",
    "Outage",
    "Postgres",
    "Reply",
    "Request",
    "Rows",
    "Say",
    "Scenario",
    "Takes",
    "Upstream",
    "Value",
    "WebSocket",
    "blocks",
    "by_argument",
    "client",
    "connects",
    "delete",
    "fails",
    "get",
    "head",
    "in_turn",
    "leave",
    "mongo",
    "opens",
    "options",
    "patch",
    "post",
    "postgres",
    "put",
    "reply",
    "request",
    "rows",
    "say",
    "scenario",
    "takes",
    "times",
    "upstream",
    "value",
    "websocket",
]

TIME_LIMIT = 600.0
"""Virtual seconds after which a play that is still going has run away, counted from the last
thing that a client is to do."""

DRAIN = 60.0
"""Virtual seconds that a play goes on after the last response, for work left behind."""


PATIENCE = 1.0
"""Real seconds for an answer from outside of a play, from what seems to sleep."""

THREADS = 40
"""Worker threads of a server: the capacity of anyio's default limiter."""


Collaborator = (
    Takes
    | InTurn
    | ByArgument
    | Blocks
    | Rows
    | Opens
    | Named
    | Value
    | Postgres
    | Mongo
    | Upstream
    | OtherService
)


LifespanEnd = Literal["asked", "cancelled", "broken"]
"""How the life of an app ends. `asked`: the server asks it to shut down. `cancelled`: the server
is told to stop a second time, and cancels all its tasks. `broken`: the server itself fails."""


class Scenario(Described, frozen=True, kw_only=True):
    """Everything that one play is to do.

    Args:
        order_seed: None keeps requests and timers of one tick in their order of making;
            a number shuffles those two, which are the orders that asyncio leaves open.
        drain: how long, in virtual seconds, work that outlives the responses may go on
            before the app is shut down.
        time_limit: see `TIME_LIMIT`.
        patience: for how many real seconds time stands still for what the app waits for
            outside of the play, such as a server elsewhere, if it seems to do nothing.
        threads: how many worker threads the server has for `def` endpoints and the like.
        stops_at: seconds after the start at which the server is asked to stop; None is when all
            has been answered. It takes nothing new then, and lets what is open go on.
        starts: how often the server is started. With more than one it is stopped `stops_at`
            seconds after each start but the last, and started again at once: the app is built
            anew, on the same services, and what it kept in memory is gone. A request that
            comes meanwhile is refused. The last time it goes on until all has been answered.
        grace: seconds after that at which the server cancels what is still open; None is never.
        lifespan_end: see `LifespanEnd`; all but `asked` raise at the lifespan's `yield`.
        random_seed: of Python's random numbers, which are the same in each play.
        now: the `time.time()` at which it begins; None is the real one in `play`, and
            2026-01-01 00:00 UTC where an answer is graded.
    """

    requests: tuple[Request | WebSocket, ...]
    collaborators: dict[str, Collaborator] = msgspec.field(default_factory=dict)
    order_seed: int | None = None
    drain: float = DRAIN
    time_limit: float = TIME_LIMIT
    patience: float = PATIENCE
    threads: Count = THREADS
    stops_at: float | None = None
    starts: int = 1
    grace: float | None = None
    lifespan_end: LifespanEnd = "asked"
    random_seed: int = 0
    now: float | None = None

    def __post_init__(self) -> None:
        if self.now is not None:
            timestamp(self.now)
        _check_starts(self.starts, self.stops_at)
        super().__post_init__()

    @property
    def last_moment(self) -> float:
        """The virtual second at which a client is to do the last thing that is written down."""
        return max((self.stops_at or 0.0) * self.starts, *map(_last_moment, self.requests), 0.0)


def _check_starts(starts: object, stops_at: float | None) -> None:
    if not isinstance(starts, int) or isinstance(starts, bool) or starts < 1:
        raise UsageError(f"starts={starts!r} isn't a number of starts", "give 1 or more")
    if starts > 1 and stops_at is None:
        raise UsageError(
            f"starts={starts} doesn't say when the server stops", "give stops_at= as well"
        )


def check_collaborator(name: str, given: object) -> None:
    """Refuse what a factory can't be handed.

    Raises:
        UsageError: it is no description of a collaborator, nor a dict of those of functions.
    """
    members = given.values() if isinstance(given, Mapping) else ()
    is_dict = isinstance(given, Mapping) and all(isinstance(m, Behaviour) for m in members)
    if not is_dict and not isinstance(given, Collaborator):
        raise UsageError(
            f"{name}={given!r} isn't a collaborator",
            f"make one with takes(), rows() ..., or hand it over as it is: {name}=value(...)",
        )


def _last_moment(one: Request | WebSocket) -> float:
    steps = [step.at for step in one.steps] if isinstance(one, WebSocket) else [one.hangs_up_at]
    given = [moment for moment in (one.cancelled_at, *steps) if moment is not None]
    return one.at + max(filter(math.isfinite, given), default=0.0)


def scenario(
    *requests: Request | WebSocket | Iterable[Request | WebSocket],
    order_seed: int | None = None,
    drain: float = DRAIN,
    time_limit: float = TIME_LIMIT,
    patience: float = PATIENCE,
    threads: int = THREADS,
    stops_at: float | None = None,
    starts: int = 1,
    grace: float | None = None,
    lifespan_end: LifespanEnd = "asked",
    random_seed: int = 0,
    now: datetime.datetime | float | None = None,
    **collaborators: Collaborator | Mapping[str, Behaviour],
) -> Scenario:
    """A scenario; collaborators go by the names of the factory's parameters.

    Raises:
        UsageError: something in it makes no sense.
    """
    for name, given in collaborators.items():
        check_collaborator(name, given)
    flat: list[Any] = []
    for item in requests:
        flat.extend(item if is_several(item) else [item])
    return Scenario(
        requests=tuple(flat),
        collaborators={
            name: Named(dict(value)) if isinstance(value, Mapping) else value
            for name, value in collaborators.items()
        },
        order_seed=order_seed,
        drain=drain,
        time_limit=time_limit,
        patience=patience,
        threads=threads,
        stops_at=stops_at,
        starts=starts,
        grace=grace,
        lifespan_end=lifespan_end,
        random_seed=random_seed,
        now=None if now is None else timestamp(now),
    )
