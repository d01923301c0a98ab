"""Clients of other servers: how they are made and closed, how many they ask, and how often."""

from __future__ import annotations

from collections import Counter

from ...model.scenarios import Upstream
from ...model.trace import Span, SpanKind, Trace
from ..aspects.aspect import most_at_once
from .case import OUTCOME, Case, at_line
from .registry import Finding, rule

Attempts = dict[tuple[int | None, str], list[Span]]
"""What was tried, in order, by exchange and by what a request asks for."""

MANY = 2
"""How many times as many attempts as the reference makes are far more."""


@rule("client-per-request", "connections", "elapsed", "requests", "left-open")
def client_per_request(case: Case) -> Finding | None:
    """Each request makes an HTTP client of its own.

    A client holds connections open, so that the next request needn't open one. A new client
    has none: each request pays for opening one, and the server behind it sees a crowd.

    Instead: one client for the app, made and closed in the lifespan.
    """
    mine, should = _spans(case, case.got, "request"), _spans(case, case.expected, "request")
    opened = _connections(case, case.got)
    needless = [connection for connection in opened if _another_was_free(connection, mine)]
    if not needless or not _is_shared(should) or _is_shared(mine):
        return None
    line = needless[0].line
    enough = len(_connections(case, case.expected))
    return Finding(
        line,
        f"{at_line(line)} opens a connection although an earlier one could have been kept: "
        f"{len(opened)} for {len(mine)} requests, where {enough} would do. A client takes its "
        "connections with it when it goes. How long does yours live?",
    )


def _another_was_free(connection: Span, requests: list[Span]) -> bool:
    return any(
        request.resource != connection.resource
        and request.how == "done"
        and request.end < connection.start
        for request in requests
    )


def _is_shared(requests: list[Span]) -> bool:
    """Whether a connection has served several exchanges, or in a single one several requests."""
    users = {(request.resource, request.exchange) for request in requests}
    several = len({exchange for _, exchange in users}) > 1
    uses = Counter(resource for resource, _ in users) if several else _uses(requests)
    return any(count > 1 for count in uses.values())


def _uses(requests: list[Span]) -> Counter[int | None]:
    return Counter(request.resource for request in requests)


@rule("client-not-closed", "left-open", "connections")
def client_not_closed(case: Case) -> Finding | None:
    """The HTTP client is still open when the app has stopped.

    Its connections stay open, here and at the other end, until one of them notices that they
    are not used any more.

    Instead: `async with httpx.AsyncClient() as client:` around the lifespan's `yield`.
    """
    left = [span for span in _connections(case, case.got) if span.how == "open"]
    expected = [span for span in _connections(case, case.expected) if span.how == "open"]
    if case.got.outcome.kind != "finished" or len(left) <= len(expected):
        return None
    line = left[0].line
    count = "a connection" if len(left) == 1 else f"{len(left)} connections"
    return Finding(
        line,
        f"{at_line(line)} is the last to use {count} to {left[0].name} that "
        f"{'is' if len(left) == 1 else 'are'} still open when the app has shut down. What closes "
        "the HTTP client when the app ends?",
    )


@rule("unbounded-fan-out", "requests", "connections", "elapsed", "status", "body")
def unbounded_fan_out(case: Case) -> Finding | None:
    """Any number of requests to another server is under way at once.

    The more there is to ask, the harder it is hit: it slows down, refuses, or locks you out.

    Instead: an `asyncio.Semaphore` that all these calls share; or as many workers as there may
    be requests, and a queue.
    """
    mine, should = _spans(case, case.got, "request"), _spans(case, case.expected, "request")
    most, limit = most_at_once(mine), most_at_once(should)
    if not most > limit > 0:
        return None
    first = max(_by_exchange(mine), key=most_at_once)[0]
    line = case.start_line(first)
    return Finding(
        line,
        f"{at_line(line)} sends too many requests to {first.name}: {most} are under way "
        f"at once, where {limit} is the most. What would make a task wait until it is its turn?",
    )


@rule("unbounded-fan-out", "calls")
def unbounded_calls(case: Case) -> Finding | None:
    """Finds it in the calls of what the factory is given."""
    for name in case.scenario.collaborators:
        mine, should = case.got.calls(name), case.expected.calls(name)
        most, limit = most_at_once(mine), most_at_once(should)
        if most > limit > 1 and limit < len(should) and len(mine) <= len(should):
            line = case.start_line(mine[0])
            return Finding(
                line,
                f"{at_line(line)} calls {name} too many times at once: {most} calls are under "
                f"way, where {limit} is the most. What would make one wait until it is its turn, "
                "and do all of them share it?",
            )
    return None


def _by_exchange(requests: list[Span]) -> list[list[Span]]:
    exchanges = {request.exchange for request in requests}
    return [[r for r in requests if r.exchange == exchange] for exchange in exchanges]


@rule("retry-without-limit", "requests", "elapsed", "status", "body", "connections", OUTCOME)
def retry_without_limit(case: Case) -> Finding | None:
    """A request that fails is tried again and again.

    A server in trouble gets more work by that, and your own client waits all the while.

    Instead: count the tries, or the time, and give up. Wait longer before each try, and not
    everyone equally long.
    """
    should = _failed(_attempts(case, case.expected))
    for (exchange, what), tries in _failed(_attempts(case, case.got)).items():
        enough = len(should.get((exchange, what), ()))
        if enough and len(tries) >= MANY * (enough + 1):
            line = tries[-1].line
            return Finding(
                line,
                f"{at_line(line)} tries {what} again and again: it fails {len(tries)} times, and "
                f"after {enough} it is time to give up. A server in trouble gets more work by "
                "that, and your own client waits all the while.",
            )
    return None


@rule("retry-unsafe", "requests", "elapsed", "status", "body")
def retry_unsafe(case: Case) -> Finding | None:
    """A request that changes something is sent again, though it may have been carried out.

    No answer doesn't mean that nothing was done. The second POST makes a second order.

    Instead: repeat only what can be repeated without harm: GET, PUT, DELETE; a POST only with
    a key by which the server recognizes it, or if it was refused before it was read.
    """
    should = _attempts(case, case.expected)
    for (exchange, what), tries in _attempts(case, case.got).items():
        again = tries[1:] if what.startswith(("POST ", "PATCH ")) else []
        doubtful = [span for span in tries[:-1] if _may_be_carried_out(span)]
        if doubtful and len(again) >= len(should.get((exchange, what), ())):
            line = again[0].line
            return Finding(
                line,
                f"{at_line(line)} sends {what} once more after it {_in_words(doubtful[0])}. The "
                "server may have carried it out all the same, and now does so twice: two orders, "
                "two payments.",
            )
    return None


def _may_be_carried_out(request: Span) -> bool:
    """Whether that is unknown; 503, and a status below 500, say that it wasn't."""
    return request.how != "done" or request.arguments[1] in (500, 502, 504)


def _in_words(request: Span) -> str:
    if request.how == "cancelled":
        return "had not been answered in time"
    return f"was answered with {request.arguments[1]}" if request.how == "done" else "got no answer"


def _attempts(case: Case, trace: Trace) -> Attempts:
    """Requests and refused connections."""
    found: Attempts = {}
    for span in _spans(case, trace, "request"):
        found.setdefault((span.exchange, str(span.arguments[0])), []).append(span)
    for span in _spans(case, trace, "connection"):
        if span.resource is None:
            found.setdefault((span.exchange, f"to connect to {span.name}"), []).append(span)
    return found


def _failed(attempts: Attempts) -> Attempts:
    return {key: [span for span in tries if _has_failed(span)] for key, tries in attempts.items()}


def _has_failed(attempt: Span) -> bool:
    status = attempt.arguments[1] if attempt.arguments else None
    return attempt.how != "done" or status is None or status >= 400


def _connections(case: Case, trace: Trace) -> list[Span]:
    """The connections to upstreams that came about."""
    return [span for span in _spans(case, trace, "connection") if span.resource is not None]


def _spans(case: Case, trace: Trace, kind: SpanKind) -> list[Span]:
    """The spans of a kind that are about upstreams."""
    names = {
        name for name, what in case.scenario.collaborators.items() if isinstance(what, Upstream)
    }
    return [span for span in trace.spans if span.kind == kind and span.name in names]
