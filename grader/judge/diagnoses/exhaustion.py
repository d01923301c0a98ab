"""Connections that no request gets: they are lost, or held by requests that want another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ...model.trace import Exchange, Span
from ..aspects.answers import ends_cancelled
from ..aspects.aspect import most_at_once
from .case import GATES, OUTCOME, Case, at_line, calls_of, class_waited_for, overlap
from .registry import Finding, rule
from .relayed import about_databases, connections_of, replayed, spans_of, statements_of

AGAIN = 14
"""How often a request is repeated, at the least, to see whether it uses up a pool."""

SUSPECTS = 4
"""Requests that are looked at one by one when a connection is missing."""

_OF_ASYNCIO = GATES | {"Event", "Queue"}
_ALSO_OF_ASYNCIO = ("sleep", "gather", "Future")
"""Whose methods, and what, a wait is for that is not for a connection."""

_NO_MORE = (
    "When all connections of the pool are held by requests that want another one, none of them "
    "ever gets it."
)
_LOCKED = (
    "The second waits for what the first has locked, and the first isn't done until the second "
    "is, so neither ever ends."
)


TROUBLE = ("elapsed", "status", "body", "left-open", "readings", OUTCOME)
"""Aspects in which it shows that a request gets no connection, or gives none back."""


@rule("two-connections-per-request", *TROUBLE, general=True)
@about_databases
def two_connections(case: Case) -> Finding | None:
    """A request that holds a connection wants a second one.

    When all connections of the pool are held by requests that want another one, none of them
    ever gets it. One request at a time works; a few at once wait for ever.

    Instead: pass the connection on, so that all statements of a request use the same one.
    """
    if case.got.outcome.kind == "finished" and not _is_troubled(case):
        return None
    if second := next(_second_within_first(case), None):
        return _about_second(second)
    starved = _starved(case)
    if not starved or _leak(case) is not None:
        return None
    return _about_second(_second_of(case, starved))


@rule("connection-leaked", *TROUBLE, general=True)
@about_databases
def connection_leaked(case: Case) -> Finding | None:
    """A request takes a connection from the pool, and never gives it back.

    After a few of those requests the pool is empty. The next one waits in vain, and so does the
    shutdown. An error or a client that leaves skips the line that gives it back.

    Instead: `async with pool.acquire() as connection:`, which gives it back however the block
    is left.
    """
    if case.got.outcome.kind == "finished" and not _is_troubled(case):
        return None
    if next(_second_within_first(case), None) is not None:
        return None
    leak = _leak(case) if _starved(case) or _is_left(case) else None
    return None if leak is None else _leaked(case, leak)


def _is_troubled(case: Case) -> bool:
    return case.expects_time() or case.is_about("left-open")


# Two connections


class Second(NamedTuple):
    """The line that wants a second connection, the one that took the first, and what follows."""

    line: int | None
    first: int | None
    what_follows: str = _NO_MORE


def _about_second(second: Second) -> Finding:
    held = f"the one of line {second.first}" if second.first else "the first one"
    return Finding(
        second.line,
        f"{at_line(second.line)} wants a second connection while {held} is still held. "
        f"{second.what_follows} Could both queries go over the same connection?",
    )


def _second_within_first(case: Case) -> Iterator[Second]:
    """A statement on one connection, while a transaction of its task is open on another."""
    for transaction in spans_of(case, case.got, "transaction"):
        for span in spans_of(case, case.got, "statement"):
            mine = (span.exchange, span.task) == (transaction.exchange, transaction.task)
            other = span.resource != transaction.resource
            within = transaction.start < span.start < transaction.end
            if mine and other and within and span.exchange is not None:
                locked = span.how == "open"
                yield Second(span.line, transaction.line, _LOCKED if locked else _NO_MORE)


def _second_of(case: Case, starved: list[Starved]) -> Second:
    """Where nothing is lost, a request waits for a second connection, or for one that does."""
    in_line = {wait.line for _, wait in starved}
    for exchange, wait in starved:
        before = [w for w in case.waits(exchange.number) if w.start < wait.start]
        passed = [w for w in before if w.line in in_line - {wait.line}]
        held = _open_transaction(case, exchange) or next(iter(passed), None)
        if held is not None:
            return Second(wait.line, held.line)
    # The first to come got one at once. These are the first that had to wait.
    return Second(min((wait for _, wait in starved), key=lambda wait: wait.start).line, None)


def _open_transaction(case: Case, exchange: Exchange) -> Span | None:
    transactions = spans_of(case, case.got, "transaction")
    mine = (span for span in transactions if span.exchange == exchange.number)
    return next((span for span in mine if span.how == "open"), None)


# Lost connections


class Leak(NamedTuple):
    """A request that keeps its connection for good, and the line that takes it."""

    exchange: Exchange
    line: int | None


def _leaked(case: Case, leak: Leak) -> Finding:
    return Finding(
        leak.line,
        f"{at_line(leak.line)} takes a connection from the pool that "
        f"{_how_it_is_lost(case, leak)}. After a few of those the pool is empty, and the next "
        "request waits in vain. What gives it back, however the block is left?",
    )


def _how_it_is_lost(case: Case, leak: Leak) -> str:
    exchange = leak.exchange
    if ends_cancelled(exchange):
        return "does not come back when the caller leaves"
    if (exchange.status or 500) >= 400:
        return "does not come back when the request fails"
    used = {span.resource for span in statements_of(case, case.got, exchange)}
    ends = [span for span in connections_of(case, case.got) if span.resource in used]
    if any(span.how == "done" and _ends_with(exchange, span) for span in ends):
        return "ends with the request, and does not go back"
    return "does not come back"


def _ends_with(exchange: Exchange, connection: Span) -> bool:
    over = exchange.returned
    return (
        over is not None and exchange.started < connection.end and connection.end.tick <= over.tick
    )


def leaks(case: Case) -> bool:
    """Whether a request keeps its connection for good."""
    return _leak(case) is not None


def _is_left(case: Case) -> bool:
    """Whether the shutdown waits for ever, or a connection is left when it is over."""
    if case.is_about("left-open"):
        return True
    answered = all(exchange.returned is not None for exchange in case.got.exchanges)
    return case.got.outcome.kind == "stuck" and answered and bool(connections_of(case, case.got))


def _leak(case: Case) -> Leak | None:
    """The first request that uses up the connections when it is made again and again."""
    asked = [e for e in case.got.exchanges if statements_of(case, case.got, e)]
    for exchange in _unlike(case, asked)[:SUSPECTS]:
        again = _starved(_repeated(case, exchange))
        if again and again[0].exchange.number > 0:
            return Leak(exchange, again[0].wait.line)
    return None


def _unlike(case: Case, exchanges: list[Exchange]) -> list[Exchange]:
    """One exchange of each kind: of those that ask for the same, and get the same status."""
    kinds: dict[object, Exchange] = {}
    for exchange in exchanges:
        request = case.scenario.requests[exchange.number]
        kinds.setdefault((msgspec.structs.replace(request, at=0.0), exchange.status), exchange)
    return list(kinds.values())


def _repeated(case: Case, exchange: Exchange) -> Case:
    """One request alone, again and again, more often than there are connections.

    The last one is made by a client that stays, or it would not be seen that it got none.
    """
    request = case.scenario.requests[exchange.number]
    times = max(AGAIN, most_at_once(connections_of(case, case.got)) + 2)
    again = [msgspec.structs.replace(request, at=40.0 * n) for n in range(times)]
    again[-1] = msgspec.structs.replace(
        again[-1], hangs_up_at=None, hangs_up_after=None, cancelled_at=None
    )
    alone = msgspec.structs.replace(
        case.scenario, requests=tuple(again), order_seed=None, time_limit=1200.0
    )
    return replayed(case, alone)


# Who waits in vain


class Starved(NamedTuple):
    """A request that gets no connection, and its wait for one."""

    exchange: Exchange
    wait: Span


def _starved(case: Case) -> list[Starved]:
    """Requests that wait for a connection in vain, while none is at work."""
    found = []
    for exchange in _unanswered(case) if connections_of(case, case.got) else ():
        waits = [w for w in case.waits(exchange.number) if w.seconds or w.how == "open"]
        if waits and _is_for_connection(case, exchange, waits[-1]):
            found.append(Starved(exchange, waits[-1]))
    return found


def _unanswered(case: Case) -> Iterator[Exchange]:
    """Exchanges that have no answer, or a server error, where the reference's have a better."""
    for ours, theirs in case.exchanges():
        failed = (ours.status or 0) >= 500 > (theirs.status or 500) and _is_for_waiting(ours)
        if theirs.completed is not None and (ours.completed is None or failed):
            yield ours


def _is_for_waiting(exchange: Exchange) -> bool:
    """Whether a server error can come of a wait for a connection, as far as its cause is known."""
    error = exchange.raised or exchange.handled
    return error is None or not _OF_WAITING.isdisjoint({error.type, *error.bases})


_OF_WAITING = {
    "TimeoutError",
    "OperationalError",
    "InterfaceError",
    "TooManyConnectionsError",
    "PyMongoError",
}
"""Errors that say, among other things, that there is no connection."""


def _is_for_connection(case: Case, exchange: Exchange, wait: Span) -> bool:
    """Whether a wait came to nothing: no statement of the exchange, and none of any other."""
    if is_of_asyncio(wait):
        return False
    calls = calls_of(case.got, exchange.number)
    if any(call.seconds and call.end.tick == wait.end.tick for call in calls):
        return False  # that is what was waited for
    mine = statements_of(case, case.got, exchange)
    if any(overlap(span, wait) or span.start > wait.start for span in mine):
        return False
    return not any(_goes_on(span, wait) for span in spans_of(case, case.got, "statement"))


def is_of_asyncio(wait: Span) -> bool:
    """Whether a wait is for something of asyncio's, such as a lock, and not for a connection."""
    return class_waited_for(wait) in _OF_ASYNCIO or wait.name in _ALSO_OF_ASYNCIO


def _goes_on(statement: Span, wait: Span) -> bool:
    """Whether a statement is under way when a wait ends, or is given up together with it."""
    given_up = statement.how != "done" and statement.end.tick == wait.end.tick
    later = statement.how == "open" or statement.end.tick > wait.end.tick or given_up
    return statement.start < wait.end and later
