"""Aspects of connections, of the lifespan that keeps them, and of services."""

from __future__ import annotations

from collections import Counter

from ...model.trace import (
    Exchange,
    Span,
    Trace,
)
from ..differences import as_text
from .aspect import NO_ANSWER, Aspect, aspect, most_at_once, seconds, times


@aspect("resources", nothing="no connection opened")
def closings(trace: Trace) -> tuple[str, ...]:
    """How often each connection that was opened was closed; when does not matter."""
    return tuple(_closed(len(closings_of(trace, span))) for span in openings(trace))


def _closed(count: int) -> str:
    return f"closed {times(count)}" if count else "never closed"


def closed_before(name: str) -> Aspect:
    """Whether the connections of each exchange are closed before its call of `name` begins."""

    @aspect("resources", nothing=f"no call of {name}")
    def closed(trace: Trace) -> tuple[str, ...]:
        return tuple(
            f"{'open' if held_during(trace, call) else 'closed'} when {name} begins"
            for call in trace.calls(name)
        )

    return closed


def held_during(trace: Trace, call: Span) -> Span | None:
    """The opening of a connection of the same exchange that is not closed when a call begins."""
    for opening in openings(trace):
        if opening.exchange == call.exchange and opening.start < call.start:
            ends = [closing.end for closing in closings_of(trace, opening)]
            if not ends or ends[0] > call.start:
                return opening
    return None


@aspect(
    "resources",
    say=lambda count: f"{count or 'no'} connection{'s' * (count != 1)} left open",
    nothing="no connection opened",
)
def left_unclosed(trace: Trace) -> tuple[int, ...]:
    """How many of the connections that were opened were never closed."""
    opened = openings(trace)
    return (sum(not closings_of(trace, span) for span in opened),) if opened else ()


@aspect("resources", nothing="no connection opened")
def resources(trace: Trace) -> tuple[str, ...]:
    """Of every connection that was opened: how often it was closed, and when."""
    return tuple(sorted(_life_of(trace, span) for span in openings(trace)))


def openings(trace: Trace) -> list[Span]:
    """The calls that opened a resource."""
    return [
        span
        for span in trace.calls()
        if span.resource is not None and "." not in span.name and span.how == "done"
    ]


def calls_on(trace: Trace, opening: Span) -> list[Span]:
    """The calls on what this one has opened, closings among them."""
    return [s for s in trace.calls() if s.resource == opening.resource and s is not opening]


def closings_of(trace: Trace, opening: Span) -> list[Span]:
    """The calls that close what this one has opened."""
    return [
        span for span in trace.calls(f"{opening.name}.close") if span.resource == opening.resource
    ]


def _life_of(trace: Trace, opening: Span) -> str:
    closings = closings_of(trace, opening)
    if not closings:
        return "opened and never closed"
    when = seconds(closings[0].start.tick - opening.start.tick)
    if opening.exchange is not None:
        over = trace.exchanges[opening.exchange].returned
        if over is not None and closings[0].end > over:
            return "closed when the request was over"
    return f"closed {times(len(closings))}, {when} after it was asked for"


@aspect("lifespan", say=lambda ok: f"the app {'starts and stops' if ok else _LIFESPAN_FAILS}")
def lifespan(trace: Trace) -> tuple[bool, ...]:
    """Whether the app has started and stopped without an error."""
    return (not any(incident.kind == "lifespan-failed" for incident in trace.incidents),)


_LIFESPAN_FAILS = "fails when it starts or stops"


@aspect("lifespan", say=lambda starts: f"the app {'starts' if starts else 'does not start'}")
def startup(trace: Trace) -> tuple[bool, ...]:
    """Whether the app has started."""
    return (trace.outcome.kind != "startup-failed",)


@aspect("startup", say=lambda ticks: f"the app takes requests after {seconds(ticks)}")
def startup_time(trace: Trace) -> tuple[int, ...]:
    """How long the app took to start, in ticks."""
    return (trace.opened,)


STOPS_SOON = 2_000_000
"""Ticks in which an app is down that has nothing to do any more."""


@aspect(
    "shutdown",
    say=lambda soon: f"the app is down {'when' if soon else 'long after'} its work is done",
    nothing="no call",
)
def stops_when_done(trace: Trace) -> tuple[bool, ...]:
    """Whether the app is down when the last call is over, or soon after."""
    ends = [call.end.tick for call in trace.calls()]
    return (trace.ended - max(ends) <= STOPS_SOON,) if ends else ()


def at_most_open(limit: int) -> Aspect:
    """Whether connections to a database were opened as a pool of `limit` opens them."""

    def say(more: int | None) -> str:
        return f"{f'at most {limit}' if more is None else more} connections opened"

    @aspect("connections", say=say, nothing="no connection opened")
    def opened(trace: Trace) -> tuple[int | None, ...]:
        count = len(_connections(trace))
        return (None if count <= limit else count,) if count else ()

    return opened


@aspect(
    "left-open",
    say=lambda count: f"{count or 'no'} connection{'s' * (count != 1)} left open at shutdown",
    nothing="no connection was opened",
)
def left_open(trace: Trace) -> tuple[int, ...]:
    """How many connections were still open when the app was down; no fact if none was opened."""
    connections = _connections(trace)
    return (sum(span.how == "open" for span in connections),) if connections else ()


_OPENS_POOL = (
    "Pool._async__init__",
    "Pool.__aenter__",
    "AsyncConnectionPool.__aenter__",
    "AsyncConnectionPool.open",
    "AsyncConnectionPool.wait",
)
"""What is waited for while asyncpg, or psycopg, opens a pool."""


def pool_openings(trace: Trace) -> list[Span]:
    """The waits of requests for a pool that is being opened."""
    waits = (span for span in trace.spans if span.kind == "wait" and span.exchange is not None)
    return [wait for wait in waits if wait.name in _OPENS_POOL]


@aspect("connections", say=lambda is_so: f"{'a' if is_so else 'no'} request opens the pool")
def pool_opened_by_request(trace: Trace) -> tuple[bool, ...]:
    """Whether a request opens a pool, as far as that can be seen: it waits for it."""
    return (bool(pool_openings(trace)),)


_KEPT = ("no connections", "one connection", "several connections")


@aspect(
    "connections",
    say=lambda count: f"{_KEPT[count]} kept open between requests",
)
def kept_open(trace: Trace) -> tuple[int, ...]:
    """How many connections were open already when the last request came; two are several.

    An app with a pool keeps them. Let several requests come at once, and the last one alone.
    """
    last = max(exchange.started.tick for exchange in trace.exchanges)
    kept = [
        span
        for span in _connections(trace)
        if span.start.tick < last and (span.how == "open" or span.end.tick > last)
    ]
    return (min(len(kept), 2),)


def _connections(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "connection"]


def statements_of(trace: Trace, exchange: Exchange) -> list[Span]:
    """The statements of an exchange, to whichever database, in order of starting."""
    spans = (span for span in trace.spans if span.kind == "statement")
    return sorted((s for s in spans if s.exchange == exchange.number), key=lambda s: s.start)


def at_most_statements(limit: int) -> Aspect:
    """Whether each answer takes no more than `limit` statements, all executions counted."""

    def say(more: int | None) -> str:
        return f"{f'at most {limit}' if more is None else more} statements for an answer"

    @aspect("calls", say=say)
    def most(trace: Trace) -> tuple[int | None, ...]:
        counts = (
            sum(span.times for span in statements_of(trace, exchange))
            for exchange in trace.exchanges
        )
        return tuple(None if count <= limit else count for count in counts)

    return most


@aspect("status", "connections", nothing="no request was granted")
def committed_first(trace: Trace) -> tuple[str, ...]:
    """Whether what each good answer tells was committed before it was sent."""
    return tuple(
        "answered when it was committed"
        if not still_at_work(trace, exchange)
        else "answered before it was committed"
        for exchange in trace.exchanges
        if exchange.status is not None and exchange.status < 300
    )


def still_at_work(trace: Trace, exchange: Exchange) -> list[Span]:
    """What an exchange has its databases do that isn't over when its answer begins."""
    return [
        span
        for span in trace.spans
        if span.kind in ("statement", "transaction")
        and span.exchange in (exchange.number, None)
        and exchange.started <= span.start
        and (exchange.returned is None or span.start <= exchange.returned)
        and (exchange.responded is None or span.end > exchange.responded)
    ]


@aspect("connections")
def over_with_answer(trace: Trace) -> tuple[str, ...]:
    """Whether all that belongs to a request is over when its answer is complete."""
    return tuple(map(_what_goes_on, trace.exchanges))


def _what_goes_on(exchange: Exchange) -> str:
    if exchange.completed is None or exchange.returned is None:
        return NO_ANSWER
    late = ticks_after_answer(exchange)
    return f"goes on for {seconds(late)} after the answer" if late else "over with the answer"


def ticks_after_answer(exchange: Exchange) -> int:
    """Ticks from the complete answer to the end of the call."""
    if exchange.completed is None or exchange.returned is None:
        return 0
    return exchange.returned.tick - exchange.completed.tick


@aspect("requests", nothing="no request made", may_be_empty=True)
def requests_made(trace: Trace) -> tuple[str, ...]:
    """The requests that were sent to upstreams, in whatever order."""
    return tuple(sorted(str(span.arguments[0]) for span in _requests(trace)))


@aspect("requests", say=lambda count: f"{count} request{'s' * (count != 1)} in flight at once")
def most_in_flight(trace: Trace) -> tuple[int, ...]:
    """How many requests to upstreams were under way at once, at the most."""
    return (most_at_once(_requests(trace)),)


@aspect(
    "connections",
    say=lambda to: f"{to[1]} connection{'s' * (to[1] != 1)} opened to {to[0]}",
    nothing="no connection opened",
    may_be_empty=True,
)
def connections_opened(trace: Trace) -> tuple[tuple[str, int], ...]:
    """How many connections were opened to each upstream; refused ones were not."""
    names = {span.name for span in _requests(trace)}
    opened = Counter(
        span.name
        for span in _connections(trace)
        if span.name in names and span.resource is not None
    )
    return tuple(sorted(opened.items()))


def _requests(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "request"]


@aspect("readings", say=lambda reading: f"{reading[0]} gives {reading[1]}")
def readings(trace: Trace) -> tuple[tuple[str, str], ...]:
    """What the grader has read over a connection of its own, when the app was down."""
    return tuple((query, as_text(rows)) for query, rows in sorted(trace.readings.items()))
