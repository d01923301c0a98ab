"""Connections to a database: opened, shared, kept, and too many or too few of them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.trace import Exchange, Failure, Span, Trace
from ..aspects.answers import done
from ..aspects.aspect import most_at_once
from .case import Case, at_line, in_words, overlap
from .exhaustion import leaks
from .registry import Finding, rule
from .relayed import (
    about_databases,
    connections_of,
    names_of,
    owner_of,
    replayed,
    spans_of,
)
from .variations import one_by_one


@rule("other-database")
@about_databases
def other_database(case: Case) -> Finding | None:
    """The app connects to a different database from the one it is given.

    An address that is written into the code is right on one machine. The factory is given one
    that is right here.

    Instead: connect to the parameter.
    """
    if connections_of(case, case.got) or not connections_of(case, case.expected):
        return None
    refused = [
        incident
        for incident in case.incidents("lifespan-failed")
        if any(word in incident.detail for word in _NO_SERVER)
    ]
    if not refused:
        return None
    line = refused[0].line
    return Finding(
        line,
        f"{at_line(line)} connects to a database, but not to the one that the factory is given as "
        f"{in_words(sorted(names_of(case)))}: {refused[0].detail[:100]}.",
    )


_NO_SERVER = ("Connect", "refused", "gaierror", "could not translate", "No such file")


@rule("pool-not-opened")
@about_databases
def pool_not_opened(case: Case) -> Finding | None:
    """A connection is taken from a pool that was never opened.

    Making a pool object opens no connections: that takes time, so it has to be awaited.

    Instead: `await pool.open()`, or `async with pool:`, in the lifespan.
    """
    if spans_of(case, case.got, "connection"):
        return None
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and "pool" in error.text and " not " in error.text:
            return Finding(
                error.line,
                f"{at_line(error.line)} takes a connection from a pool that was never opened "
                f"({error.type}: {error.text.strip()[:100]}). Making a pool object opens nothing "
                "yet: opening takes time, so it has to be awaited. When should that be?",
            )
    return None


@rule("wrong-loop")
@about_databases
def wrong_loop(case: Case) -> Finding | None:
    """A connection is used in a different event loop from the one it was opened in.

    Each `asyncio.run` makes an event loop of its own, and what one loop has opened can't be
    awaited in another.

    Instead: one loop, the server's. Make endpoints `async def`, and await in them.
    """
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and "attached to a different loop" in error.traceback + error.text:
            return Finding(
                error.line,
                f"{at_line(error.line)} uses a connection in an event loop that it wasn't opened "
                "in. Each `asyncio.run` makes a loop of its own, and what one loop has opened "
                "can't be awaited in another. How many loops does your app have?",
            )
    return None


_IN_USE = (
    "another operation is in progress",
    "concurrent operations are not permitted",
    "is already in progress",
    "isn't available; concurrent",
)
"""What asyncpg says of a connection, and SQLAlchemy of a session, that is at work for another."""


@rule("concurrent-operations")
@about_databases
def concurrent_operations(case: Case) -> Finding | None:
    """One request does two things at once on one connection, or one session.

    A connection carries out one statement at a time, and a session keeps track of one. Under
    `gather` the second begins while the first is still under way.

    Instead: one after the other; or a connection (a session) for each.
    """
    error = next(_in_use(case, alone=True), None) or _in_use_also_alone(case)
    if error is None:
        return None
    return Finding(
        error.line,
        f"{at_line(error.line)} does two things at once on one connection or session "
        f"({error.type}): the second starts while the first is still under way. It does one "
        "thing at a time.",
    )


@rule("shared-connection")
@about_databases
def shared_connection(case: Case) -> Finding | None:
    """Finds it where a driver says that the connection is at work for another request."""
    error = next(_in_use(case, alone=False), None)
    if error is None:
        return None
    return Finding(
        error.line,
        f"{at_line(error.line)} uses a connection on which another request is still waiting for "
        "its answer. A connection does one thing at a time, so each request needs one of its own.",
    )


def _in_use_also_alone(case: Case) -> Failure | None:
    """The error of one of several requests at once that would have had it alone, too."""
    alone = one_by_one(case.scenario)
    if alone is None or next(_in_use(case, alone=False), None) is None:
        return None
    return next(_in_use(replayed(case, alone), alone=True), None)


def _in_use(case: Case, alone: bool) -> Iterator[Failure]:
    """The errors by which a driver says so, in requests that are alone, or in others."""
    for exchange in case.got.exchanges:
        error = exchange.raised or exchange.handled
        for one in (error, *error.within) if error is not None else ():
            is_in_use = any(words in one.text for words in _IN_USE)
            if is_in_use and _has_company(case.got, exchange) != alone:
                yield one


def _has_company(trace: Trace, exchange: Exchange) -> bool:
    """Whether another request was under way at the same time."""
    return any(
        other.number != exchange.number
        and (exchange.returned is None or other.started < exchange.returned)
        and (other.returned is None or exchange.started < other.returned)
        for other in trace.exchanges
    )


@rule("pool-per-request", "elapsed", "connections")
@about_databases
def pool_per_request(case: Case) -> Finding | None:
    """Each request opens connections of its own.

    Opening one costs more than most queries, and a crowd of requests takes all that the server
    has.

    Instead: one pool for the app, opened in the lifespan. A request borrows a connection from
    it, and gives it back.
    """
    opened = _opened_for_one(case)
    if not opened or _is_about_blocking(case):
        return None
    line = opened[0].line
    return Finding(
        line,
        f"{at_line(line)} opens a connection for each request, {len(opened)} in all: even those "
        "that come one after the other don't share one. Opening one costs more than most queries. "
        "What lives as long as the app does?",
    )


def _is_about_blocking(case: Case) -> bool:
    """Whether a blocked loop explains times that are wrong, and how few queries are under way."""
    return bool(case.incidents("loop-blocked")) and not case.is_about("connections")


def _opened_for_one(case: Case) -> list[Span]:
    """Connections that served one request and no other, when no two requests came together."""
    if len(connections_of(case, case.got)) <= len(connections_of(case, case.expected)):
        return []
    trace = _apart(case)
    opened = [s for s in connections_of(case, trace) if _ends_with_its_exchange(trace, s)]
    return opened if len({owner_of(trace, span) for span in opened}) > 1 else []


def _apart(case: Case) -> Trace:
    """The learner's play, with each request on its own."""
    moments = [request.at for request in case.scenario.requests]
    alone = one_by_one(case.scenario) if len(set(moments)) < len(moments) else None
    return case.replay(alone)[0] if alone else case.got


def _ends_with_its_exchange(trace: Trace, connection: Span) -> bool:
    owner = owner_of(trace, connection)
    over = trace.exchanges[owner].returned if owner is not None else None
    if over is None or connection.how == "open":
        return over is not None
    return connection.end.tick <= over.tick


@rule("pool-too-large", "connections", "elapsed", "status")
@about_databases
def pool_too_large(case: Case) -> Finding | None:
    """More connections are open at once than the app may have.

    A server has few, for everyone who uses it: those who come too late get none. Pools have
    defaults of their own, and two pools have twice as many.

    Instead: one pool, with `max_size` as the task says.
    """
    mine, should = (most_at_once(connections_of(case, t)) for t in (case.got, case.expected))
    short = 0 < _queries_at_once(case, case.expected) < _requests_at_once(case.expected)
    crowded = short and _queries_at_once(case, case.got) > _queries_at_once(case, case.expected)
    shows = case.is_about("connections") or (crowded and _is_served_too_well(case))
    if mine <= should or not shows or _opened_for_one(case):
        return None
    line = connections_of(case, case.got)[0].line
    return Finding(
        line,
        f"{at_line(line)} opens the first of {mine} connections that are open at once. A server "
        "has few, for everyone who uses it. How many does your pool open by default, and is there "
        "only one pool?",
    )


def _is_served_too_well(case: Case) -> bool:
    """Whether a request gets what it should have been refused, or gets it sooner than it should."""
    for ours, theirs in case.exchanges():
        if (ours.status or 500) < 400 and (theirs.status or 500) >= 500:
            return True
        mine, should = done(ours), done(theirs)
        if case.is_about("elapsed") and mine is not None and should is not None and mine < should:
            return True
    return False


@rule("pool-too-small", "elapsed", "calls", "connections")
@about_databases
def pool_too_small(case: Case) -> Finding | None:
    """Requests stand in line for a connection, though there could be more.

    With one connection the requests go one after the other, however many come.

    Instead: a pool, with as many connections as the task allows.
    """
    mine, should = (_queries_at_once(case, trace) for trace in (case.got, case.expected))
    statuses = all(ours.status == theirs.status for ours, theirs in case.exchanges())
    if not (0 < mine < should and statuses) or _is_about_blocking(case):
        return None
    line = connections_of(case, case.got)[0].line
    connections, are = ("connection", "query is") if mine == 1 else ("connections", "queries are")
    return Finding(
        line,
        f"{at_line(line)} opens {mine} {connections} for all requests: no more than {mine} {are} "
        f"under way at a time, where {should} could be.",
    )


def _queries_at_once(case: Case, trace: Trace) -> int:
    return most_at_once(spans_of(case, trace, "statement"))


def _requests_at_once(trace: Trace) -> int:
    return max(
        (
            sum(e.started.tick <= at.started.tick < _end_of(e) for e in trace.exchanges)
            for at in trace.exchanges
        ),
        default=0,
    )


def _end_of(exchange: Exchange) -> int:
    return exchange.returned.tick if exchange.returned else exchange.started.tick


@rule("pool-not-closed", "left-open")
@about_databases
def pool_not_closed(case: Case) -> Finding | None:
    """Connections are still open when the app has stopped.

    The database server keeps a connection until it notices that the other end is gone. A few
    restarts, and it has none left.

    Instead: close the pool in the lifespan, after the `yield`, or let an `async with` do it.
    """
    left = [span for span in connections_of(case, case.got) if span.how == "open"]
    if not left or leaks(case):
        return None
    line = left[0].line
    some = "a connection that is" if len(left) == 1 else f"{len(left)} connections that are"
    them = "it" if len(left) == 1 else "them"
    return Finding(
        line,
        f"{at_line(line)} opens {some} still open when the app has shut down. The server keeps "
        f"{them} until it notices that the app is gone. What closes {them}?",
    )


@rule("connection-held-while-waiting", "elapsed", "calls", "status")
@about_databases
def connection_held_while_waiting(case: Case) -> Finding | None:
    """A connection is held while something else is waited for.

    A pool has few connections. One that is held during a slow call does nothing, and others
    wait for it.

    Instead: fetch what you need first, then take the connection for the statement alone.
    """
    if not case.expects_time():
        return None
    if (call := next(_held_during(case), None)) is not None:
        line = case.call_line(call)
        return Finding(
            line,
            f"{at_line(line)} waits for {call.name} while its request holds a connection, and "
            "others wait for that in vain. Which part of the request needs the connection?",
        )
    for transaction in spans_of(case, case.got, "transaction"):
        inside = [
            call
            for call in case.got.spans
            if call.kind in ("call", "request")
            and call.exchange == transaction.exchange
            and call.start > transaction.start
            and call.start.tick < transaction.end.tick
            and call.seconds
            and _somebody_waits(case, call, _statements_during(case, call))
        ]
        if inside:
            line = case.call_line(inside[0])
            return Finding(
                line,
                f"{at_line(line)} waits for {inside[0].name} while it holds a connection, and "
                "others wait for that. Which of the two needs the connection?",
            )
    return None


def _held_during(case: Case) -> Iterator[Span]:
    """Calls between two statements of a connection that nobody else gets, though others wait."""
    for call in case.got.calls():
        statements = spans_of(case, case.got, "statement")
        mine = [span for span in statements if span.exchange == call.exchange]
        before = {span.resource for span in mine if span.end <= call.start}
        after = {span.resource for span in mine if span.start >= call.end}
        meanwhile = _statements_during(case, call)
        others = {span.resource for span in meanwhile}
        if call.seconds and (before & after) - others and _somebody_waits(case, call, meanwhile):
            yield call


def _statements_during(case: Case, call: Span) -> list[Span]:
    statements = spans_of(case, case.got, "statement")
    return [span for span in statements if call.start < span.start < call.end]


def _somebody_waits(case: Case, call: Span, statements: list[Span]) -> bool:
    """Whether a request is under way for which nothing at all is done during a call."""
    busy = {span.exchange for span in (*statements, *case.got.calls()) if overlap(span, call)}
    busy |= {span.exchange for span in statements}
    return any(
        exchange.number not in busy
        and exchange.started.tick < call.end.tick
        and (exchange.returned is None or exchange.returned.tick > call.start.tick)
        for exchange in case.got.exchanges
    )
