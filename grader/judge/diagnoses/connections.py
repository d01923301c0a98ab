"""Connections to a database: opened, shared, kept, and too many or too few of them."""

from __future__ import annotations

from collections.abc import Iterable

from ...model.report import Diagnosis
from ...model.trace import Exchange, Failure, Span, Trace
from ..aspects import most_at_once
from .case import Case, at_line
from .exhaustion import leaks
from .relayed import about_databases, connections_of, owner_of, spans_of
from .timing import one_by_one


@about_databases
def connected_too_early(case: Case) -> Iterable[Diagnosis]:
    """The factory connects by itself, where there is no app yet that could be started."""
    outcome = case.got.outcome
    error = outcome.failure
    if outcome.kind == "factory-failed" and error is not None and _is_refused(error):
        yield Diagnosis(
            "connected-too-early",
            outcome.line,
            f"{at_line(outcome.line)} connects to the database while the app is still being made, "
            f"and is refused ({error.type}). What is opened there belongs to no event loop that "
            "the app will run in, and nobody closes it. At which moment does an app open what it "
            "needs, and at which does it close it?",
        )


def _is_refused(error: Failure) -> bool:
    return "ConnectionRefusedError" in error.bases or "refused" in error.text.lower()


@about_databases
def pool_not_opened(case: Case) -> Iterable[Diagnosis]:
    """A pool was made, no connection was, and who wants one is told so."""
    if spans_of(case, case.got, "connection"):
        return
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and "pool" in error.text and " not " in error.text:
            yield Diagnosis(
                "pool-not-opened",
                error.line,
                f"{at_line(error.line)} wants a connection of a pool that was never opened "
                f"({error.type}: {error.text.strip()[:100]}). To make a pool object opens nothing "
                "as yet: opening takes time, so it has to be awaited. Where, and when?",
            )
            return


@about_databases
def wrong_loop(case: Case) -> Iterable[Diagnosis]:
    """A connection is used in another event loop than the one it was opened in."""
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and "attached to a different loop" in error.traceback + error.text:
            yield Diagnosis(
                "wrong-loop",
                error.line,
                f"{at_line(error.line)} uses a connection in an event loop that it was not opened "
                "in. Each `asyncio.run` makes a loop of its own, and what one loop has opened "
                "can be awaited in no other. How many loops are there in your app, and how many "
                "does it need?",
            )
            return


@about_databases
def shared_connection(case: Case) -> Iterable[Diagnosis]:
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is None or not _has_company(case.got, exchange):
            continue
        if any(words in error.text for words in _IN_USE):
            yield Diagnosis(
                "shared-connection",
                error.line,
                f"{at_line(error.line)} uses a connection on which another request is still "
                "waiting for its answer. A connection does one thing at a time. Who hands out a "
                "connection of its own to each?",
            )
            return


_IN_USE = ("another operation is in progress", "concurrent operations are not permitted")
"""What asyncpg says of a connection, and SQLAlchemy of a session, that is at work for another."""


def _has_company(trace: Trace, exchange: Exchange) -> bool:
    """Whether another request was under way at the same time."""
    return any(
        other.number != exchange.number
        and (exchange.returned is None or other.started < exchange.returned)
        and (other.returned is None or exchange.started < other.returned)
        for other in trace.exchanges
    )


@about_databases
def pool_per_request(case: Case) -> Iterable[Diagnosis]:
    opened = _opened_for_one(case)
    if opened:
        line = opened[0].line
        yield Diagnosis(
            "pool-per-request",
            line,
            f"{at_line(line)} opens a connection for each request: {len(opened)} of them, though "
            "the requests come one after the other. Opening one costs more than most queries, and "
            "a crowd of requests takes all that the server has. What lives as long as the app "
            "does?",
        )


def _opened_for_one(case: Case) -> list[Span]:
    """Connections that served one request and no other, when no two requests came together."""
    more = len(connections_of(case, case.got)) > len(connections_of(case, case.expected))
    if not more or not (case.is_about("elapsed") or case.is_about("connections")):
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


@about_databases
def pool_too_large(case: Case) -> Iterable[Diagnosis]:
    """More connections at once than the reference has where it would use more."""
    mine, should = (most_at_once(connections_of(case, t)) for t in (case.got, case.expected))
    short = 0 < _queries_at_once(case, case.expected) < _requests_at_once(case.expected)
    crowded = short and _queries_at_once(case, case.got) > _queries_at_once(case, case.expected)
    if mine <= should or not (crowded or case.is_about("connections")):
        return
    if not _opened_for_one(case):
        line = connections_of(case, case.got)[0].line
        yield Diagnosis(
            "pool-too-large",
            line,
            f"{at_line(line)} opens the first of {mine} connections that are open at once. A "
            "server has few, for all that use it: whoever comes too late gets none. Is it one "
            "pool that opens them, how many may it have, and how many does it take if nobody "
            "says?",
        )


@about_databases
def pool_too_small(case: Case) -> Iterable[Diagnosis]:
    """A single connection, or too few: requests stand in line for it."""
    mine, should = (_queries_at_once(case, trace) for trace in (case.got, case.expected))
    statuses = all(ours.status == theirs.status for ours, theirs in case.exchanges())
    if 0 < mine < should and case.is_about("elapsed") and statuses:
        line = connections_of(case, case.got)[0].line
        connections, are = (
            ("connection", "query is") if mine == 1 else ("connections", "queries are")
        )
        yield Diagnosis(
            "serialized",
            line,
            f"All requests share {mine} {connections}: no more than {mine} {are} under way at "
            f"a time, where {should} could be. How many does {at_line(line).lower()} allow?",
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


@about_databases
def pool_not_closed(case: Case) -> Iterable[Diagnosis]:
    left = [span for span in connections_of(case, case.got) if span.how == "open"]
    if not left or not case.is_about("left-open") or leaks(case):
        return
    line = left[0].line
    some = "one of its connections is" if len(left) == 1 else f"{len(left)} of its connections are"
    opened_by = f", opened by line {line}" if line is not None else ""
    yield Diagnosis(
        "pool-not-closed",
        line,
        f"When the app has shut down, {some} still open{opened_by}. The server keeps a connection "
        "until it notices that nobody is there any more. Who says good-bye, and when?",
    )


@about_databases
def connection_held_while_waiting(case: Case) -> Iterable[Diagnosis]:
    """A transaction stays open while something else is waited for."""
    if not case.expects_time():
        return
    for transaction in spans_of(case, case.got, "transaction"):
        inside = [
            call
            for call in case.got.spans
            if call.kind in ("call", "request")
            and call.exchange == transaction.exchange
            and call.start > transaction.start
            and call.start.tick < transaction.end.tick
            and call.seconds
        ]
        if inside:
            line = case.call_line(inside[0])
            yield Diagnosis(
                "connection-held-while-waiting",
                line,
                f"{at_line(line)} waits for {inside[0].name} with a connection in its hand. "
                "Others wait for that connection meanwhile. What needs it, and what does not?",
            )
            return
