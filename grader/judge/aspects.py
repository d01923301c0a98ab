"""Aspects: what of a trace a check looks at, as words that can be compared and shown.

An aspect is a function from a trace to a tuple of facts, one for each exchange (or
call). A check holds when the learner's facts are the reference's.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import accumulate, groupby
from typing import Any

from ..model.trace import Exchange, LogRecord, Span, Trace, to_seconds
from .differences import as_text, shortened

Aspect = Callable[[Trace], tuple[str, ...]]

LONGEST = 200
"""Characters of a fact that are shown."""

NONE = "nothing"
NO_ANSWER = "no answer"


def seconds(ticks: int) -> str:
    """Ticks in words: two decimals, more only where there are more."""
    text = f"{to_seconds(ticks):.6f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals:0<2} s"


def elapsed(trace: Trace) -> tuple[str, ...]:
    """How long each answer took."""
    return tuple(_elapsed(exchange) for exchange in trace.exchanges)


def _elapsed(exchange: Exchange) -> str:
    if exchange.completed is None:
        return NO_ANSWER
    return seconds(exchange.completed.tick - exchange.started.tick)


def statuses(trace: Trace) -> tuple[str, ...]:
    """The status of each answer."""
    return tuple(str(e.status) if e.status else "no answer" for e in trace.exchanges)


def answers(trace: Trace) -> tuple[str, ...]:
    """Status and body of each answer."""
    return tuple(
        f"{status} {_body(exchange)}".strip()
        for status, exchange in zip(statuses(trace), trace.exchanges, strict=True)
    )


def _body(exchange: Exchange) -> str:
    body = exchange.json()
    return exchange.text if body is None else as_text(body)


def body_holds(what: str, accept: Callable[[Any], bool]) -> Aspect:
    """Whether each answer's JSON is acceptable; `what` names it in words."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(
            f"{exchange.status} with {what}"
            if exchange.status is not None and accept(exchange.json())
            else f"{exchange.status or 'no answer'} {_body(exchange)}".strip()
            for exchange in trace.exchanges
        )

    return aspect


def timed_lines(trace: Trace) -> tuple[str, ...]:
    """Each line of the streamed bodies, with the moment it was there."""
    return tuple(
        f"{chunk.body.decode('utf-8', 'replace')[:60]} at "
        f"{seconds(chunk.at.tick - exchange.started.tick)}"
        for exchange in trace.exchanges
        for chunk in exchange.lines()
    ) or (NONE,)


def media_types(trace: Trace) -> tuple[str, ...]:
    return tuple(e.header("content-type").partition(";")[0] for e in trace.exchanges)


def calls(trace: Trace) -> tuple[str, ...]:
    """Each call of a collaborator: when, and how it ended."""
    return tuple(
        sorted(
            f"{span.name} from {_since(trace, span.start.tick)} "
            f"to {_since(trace, span.end.tick)}, {span.how}"
            for span in trace.calls()
        )
    )


def call_counts(trace: Trace) -> tuple[str, ...]:
    """How often each collaborator was called."""
    counts = Counter(span.name for span in trace.calls())
    return tuple(f"{name} called {_times(count)}" for name, count in sorted(counts.items()))


def call_endings(trace: Trace) -> tuple[str, ...]:
    """How each call ended, and when."""
    return tuple(
        sorted(
            f"{span.name} {span.how} at {_since(trace, span.end.tick)}" for span in trace.calls()
        )
    )


def endings_of(name: str) -> Aspect:
    """How each call of one collaborator ended, and when."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(fact for fact in call_endings(trace) if fact.startswith(f"{name} "))

    return aspect


def arguments(trace: Trace, name: str | None = None) -> tuple[str, ...]:
    """What the collaborators (or the one called `name`) were given."""
    return tuple(
        sorted(
            f"{span.name}({', '.join(map(json.dumps, span.arguments))})"
            for span in trace.calls(name)
        )
    )


def left_running(trace: Trace) -> tuple[str, ...]:
    """The calls that went on after the answer that they were made for, and for how long."""
    late: dict[int, dict[int, list[str]]] = {}
    for span, ticks in calls_after_answer(trace):
        late.setdefault(span.exchange or 0, {}).setdefault(ticks, []).append(span.name)
    if not late:
        return (f"{NONE} goes on after the answer",)
    requests = (_late_calls(trace, number, late[number]) for number in sorted(late))
    return ("; ".join(requests) + " after the answer",)


def _late_calls(trace: Trace, number: int, late: dict[int, list[str]]) -> str:
    """`#1: fetch_orders, fetch_stats for 2.50 s`; a single request has no number."""
    words = ", ".join(f"{', '.join(names)} for {seconds(ticks)}" for ticks, names in late.items())
    return f"#{number + 1}: {words}" if len(trace.exchanges) > 1 else words


def calls_after_answer(trace: Trace) -> Iterator[tuple[Span, int]]:
    """The calls that ended after their exchange's answer, and by how many ticks."""
    for span in trace.calls():
        if span.exchange is not None:
            answered = trace.exchanges[span.exchange].completed
            if answered is not None and span.end.tick > answered.tick:
                yield span, span.end.tick - answered.tick


def order_of_work(name: str) -> Aspect:
    """Whether the call of `name` comes before or after the complete answer, and ends."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(_place_of_work(trace, exchange, name) for exchange in trace.exchanges)

    return aspect


def _place_of_work(trace: Trace, exchange: Exchange, name: str) -> str:
    spans = [span for span in trace.calls(name) if span.exchange == exchange.number]
    if exchange.completed is None:
        return "no answer"
    answer = f"the answer is complete at {_elapsed(exchange)}, "
    if not spans:
        return f"{answer}{name} never starts"
    begins = "after" if spans[0].start > exchange.completed else "before"
    return f"{answer}{name} starts {begins} that and is {_IN_WORDS[spans[0].how]}"


_IN_WORDS = {"done": "done", "cancelled": "cancelled", "failed": "failed", "open": "cut off"}


def mentions(secret: str) -> Aspect:
    """Whether the answers give away `secret`."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(
            "an answer with the error's text"
            if gives_away(e, secret)
            else "no trace of the error's text"
            for e in trace.exchanges
        )

    return aspect


def gives_away(exchange: Exchange, secret: str) -> bool:
    """Whether the body or a header holds a secret, or a part of it that says as much."""
    said = "\n".join([exchange.text, *(value for _, value in exchange.headers)]).lower()
    return any(part in said for part in (secret.lower(), *_TELLING.findall(secret.lower())))


_TELLING = re.compile(r"(?=[\w-]*\d)[\w-]{6,}")
"""Names and numbers in which there are digits: no answer has them by chance."""


def logged(logger: str, after: str) -> Aspect:
    """What was logged for each exchange when its call of `after` was over: with a traceback?"""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(
            _told_of(records_about(trace, exchange, logger, after), logger)
            for exchange in trace.exchanges
        )

    return aspect


def records_about(
    trace: Trace, exchange: Exchange, logger: str, after: str
) -> tuple[LogRecord, ...]:
    """The records on `logger`, or one below it, since the call of `after` was over."""
    ends = [span.end for span in trace.calls(after) if span.exchange == exchange.number]
    return tuple(
        log
        for log in trace.logs
        if f"{log.logger}.".startswith(f"{logger}.")
        and log.exchange in (exchange.number, None)
        and (not ends or log.at > max(ends))
    )


def has_traceback(records: tuple[LogRecord, ...]) -> bool:
    """Whether one of them has the traceback of an error, of its own or in its text."""
    return any(record.error or _TRACEBACK in record.message for record in records)


_TRACEBACK = "Traceback (most recent call last)"


def _told_of(records: tuple[LogRecord, ...], logger: str) -> str:
    if has_traceback(records):
        return f"a record with a traceback on {logger!r}"
    return f"a record on {logger!r}" if records else f"no record on {logger!r}"


def cancellations(trace: Trace) -> tuple[str, ...]:
    """Whether each call that the server cancels ends by that."""
    return tuple(
        "ends cancelled"
        if e.raised is not None and e.raised.type == "CancelledError"
        else f"ends with {e.status or 'no answer'}"
        for e in trace.exchanges
    )


def resources(trace: Trace) -> tuple[str, ...]:
    """Of every connection that was opened: how often it was closed, and when."""
    return tuple(sorted(_life_of(trace, span) for span in trace.calls() if _opens(span))) or (
        "no connection opened",
    )


def _opens(span: Span) -> bool:
    return span.resource is not None and "." not in span.name and span.how == "done"


def _life_of(trace: Trace, opening: Span) -> str:
    closings = [
        span for span in trace.calls(f"{opening.name}.close") if span.resource == opening.resource
    ]
    if not closings:
        return "opened and never closed"
    when = seconds(closings[0].start.tick - opening.start.tick)
    if opening.exchange is not None:
        over = trace.exchanges[opening.exchange].returned
        if over is not None and closings[0].end > over:
            return "closed when the request was over"
    return f"closed {_times(len(closings))}, {when} after it was asked for"


def lifespan(trace: Trace) -> tuple[str, ...]:
    """Whether the app has started and stopped without an error."""
    failed = any(incident.kind == "lifespan-failed" for incident in trace.incidents)
    return ("the app fails when it starts or stops" if failed else "the app starts and stops",)


def sorted_elapsed(trace: Trace) -> tuple[str, ...]:
    """How long the answers took, the quickest first: who comes first is open."""
    return tuple(sorted(elapsed(trace)))


def at_most_open(limit: int) -> Aspect:
    """Whether connections to a database were opened as a pool of `limit` opens them."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        opened = sum(span.kind == "connection" for span in trace.spans)
        words = f"at most {limit}" if opened <= limit else str(opened)
        return (f"{words} connections opened",)

    return aspect


def left_open(trace: Trace) -> tuple[str, ...]:
    """The connections that were still open when the app was down."""
    count = sum(span.kind == "connection" and span.how == "open" for span in trace.spans)
    return (f"{count or 'no'} connection{'s' * (count != 1)} left open at shutdown",)


def requests_made(trace: Trace) -> tuple[str, ...]:
    """The requests that were sent to upstreams, in whatever order."""
    return tuple(sorted(str(span.arguments[0]) for span in _requests(trace))) or (
        "no request made",
    )


def most_in_flight(trace: Trace) -> tuple[str, ...]:
    """How many requests to upstreams were under way at once, at the most."""
    count = most_at_once(_requests(trace))
    return (f"{count} request{'s' * (count != 1)} in flight at once",)


def connections_opened(trace: Trace) -> tuple[str, ...]:
    """How many connections were opened to each upstream; refused ones were not."""
    names = {span.name for span in _requests(trace)}
    opened = Counter(
        span.name
        for span in trace.spans
        if span.kind == "connection" and span.name in names and span.resource is not None
    )
    return tuple(
        f"{count} connection{'s' * (count != 1)} opened to {name}"
        for name, count in sorted(opened.items())
    ) or ("no connection opened",)


def _requests(trace: Trace) -> list[Span]:
    return [span for span in trace.spans if span.kind == "request"]


def most_at_once(spans: list[Span]) -> int:
    """How many of these were under way at once, at the most."""
    changes = sorted([(s.start, 1) for s in spans] + [(s.end, -1) for s in spans])
    return max(accumulate(change for _, change in changes), default=0)


def readings(trace: Trace) -> tuple[str, ...]:
    """What the grader has read over a connection of its own, when the app was down."""
    return tuple(f"{query} gives {as_text(rows)}" for query, rows in sorted(trace.readings.items()))


def answer_of(number: int) -> Aspect:
    """Status and body of one answer; what became of the others does not matter."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return answers(trace)[number:][:1] or ("no answer",)

    return aspect


def together(*aspects: Aspect) -> Aspect:
    """Several aspects as one; the first to differ is shown."""

    def aspect(trace: Trace) -> tuple[str, ...]:
        return tuple(fact for part in aspects for fact in part(trace))

    return aspect


def summary(facts: tuple[str, ...]) -> str:
    """Facts in words: equal neighbours are counted."""
    groups = [(fact, len(list(same))) for fact, same in groupby(facts)]
    words = [
        f"{f'{count} × ' if count > 1 else ''}{shortened(fact, LONGEST)}" for fact, count in groups
    ]
    return ", ".join(words[:4]) + (f", and {len(words) - 4} more" if len(words) > 4 else "")


def _since(trace: Trace, tick: int) -> str:
    return seconds(tick - trace.opened)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
