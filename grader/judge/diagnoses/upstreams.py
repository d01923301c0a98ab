"""Clients of other servers: how they are made and closed, how many they ask, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...model.report import Diagnosis
from ...model.scenarios import Upstream
from ...model.trace import Span, SpanKind, Trace
from ..aspects import most_at_once
from .case import Case, at_line

Attempts = dict[tuple[int | None, str], list[Span]]
"""What was tried, in order, by exchange and by what a request asks for."""

MANY = 2
"""How many times as many attempts as the reference makes are far more."""


def client_per_request(case: Case) -> Iterable[Diagnosis]:
    mine, should = _spans(case, case.got, "request"), _spans(case, case.expected, "request")
    opened = _connections(case, case.got)
    needless = [connection for connection in opened if _another_was_free(connection, mine)]
    if not needless or not _is_shared(should) or _is_shared(mine):
        return
    line = needless[0].line
    enough = len(_connections(case, case.expected))
    yield Diagnosis(
        "client-per-request",
        line,
        f"{at_line(line)} opens a connection although there was one before that could have been "
        f"kept: {len(opened)} for {len(mine)} requests, where {enough} would do. A client takes "
        "its connections with it when it goes. How long does yours live, and how long does the "
        "app?",
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


def client_not_closed(case: Case) -> Iterable[Diagnosis]:
    left = [span for span in _connections(case, case.got) if span.how == "open"]
    expected = [span for span in _connections(case, case.expected) if span.how == "open"]
    if case.got.outcome.kind == "finished" and len(left) > len(expected):
        line = left[0].line
        count = "a connection" if len(left) == 1 else f"{len(left)} connections"
        yield Diagnosis(
            "client-not-closed",
            line,
            f"The app has shut down and leaves {count} to {left[0].name} open, as "
            f"{at_line(line).lower()} last used it. Nobody will ever use it again, and nobody has "
            "told it so. Who makes the HTTP client, and what runs when the app ends?",
        )


def unbounded_fan_out(case: Case) -> Iterable[Diagnosis]:
    mine, should = _spans(case, case.got, "request"), _spans(case, case.expected, "request")
    most, limit = most_at_once(mine), most_at_once(should)
    if most > limit > 0:
        first = max(_by_exchange(mine), key=most_at_once)[0]
        line = case.start_line(first)
        yield Diagnosis(
            "unbounded-fan-out",
            line,
            f"{at_line(line)} sends requests to {first.name} without counting: {most} are under "
            f"way at once, where {limit} is the most. The more there is to ask, the harder it is "
            "hit. What would make a task wait until it is its turn?",
        )


def _by_exchange(requests: list[Span]) -> list[list[Span]]:
    exchanges = {request.exchange for request in requests}
    return [[r for r in requests if r.exchange == exchange] for exchange in exchanges]


def retry_without_limit(case: Case) -> Iterable[Diagnosis]:
    should = _failed(_attempts(case, case.expected))
    for (exchange, what), tries in _failed(_attempts(case, case.got)).items():
        enough = len(should.get((exchange, what), ()))
        if enough and len(tries) >= MANY * (enough + 1):
            line = tries[-1].line
            yield Diagnosis(
                "retry-without-limit",
                line,
                f"{at_line(line)} tries {what} again and again: it fails {len(tries)} times, and "
                f"{enough} is where to give up. An upstream in trouble gets more work by that, and "
                "your own client waits all the while. Who counts the tries, or the time?",
            )
            return


def retry_unsafe(case: Case) -> Iterable[Diagnosis]:
    should = _attempts(case, case.expected)
    for (exchange, what), tries in _attempts(case, case.got).items():
        again = tries[1:] if what.startswith(("POST ", "PATCH ")) else []
        doubtful = [span for span in tries[:-1] if _may_be_carried_out(span)]
        if doubtful and len(again) >= len(should.get((exchange, what), ())):
            line = again[0].line
            yield Diagnosis(
                "retry-unsafe",
                line,
                f"{at_line(line)} sends {what} once more after it {_in_words(doubtful[0])}. The "
                "upstream may have carried it out all the same, and now does so twice: two orders, "
                "two payments. Which requests can be repeated without harm?",
            )
            return


def _may_be_carried_out(request: Span) -> bool:
    """Whether nobody can tell; 503 and what is below 500 say that it was not."""
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
