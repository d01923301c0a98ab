"""Which request a call is for that was made outside of any."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

import msgspec

from ..model.trace import Exchange, LogRecord, Moment, Span, Trace


def with_owners(trace: Trace) -> Trace:
    """The trace with calls made outside of any exchange counted for one.

    A worker task that serves a queue has no request of its own. Its first call of a name
    is counted for the first exchange that has begun and has no such call yet, and so on.
    What is called before there is any request, such as a poll, is for none of them.
    """
    served: defaultdict[str, set[int | None]] = defaultdict(set)
    unasked: set[str] = set()
    first = min((exchange.started for exchange in trace.exchanges), default=None)
    for span in trace.spans:
        if span.kind == "call":
            served[span.name].add(span.exchange)
            if first is None or span.start < first:
                unasked.add(span.name)
    waiting = {
        name: [exchange for exchange in trace.exchanges if exchange.number not in numbers]
        for name, numbers in served.items()
        if name not in unasked
    }
    spans = tuple(
        _with_owner(span, waiting.get(span.name, [])) if _has_no_owner(span) else span
        for span in trace.spans
    )
    return msgspec.structs.replace(trace, spans=spans, logs=_logs_with_owners(trace.logs, spans))


def _has_no_owner(span: Span) -> bool:
    return span.kind == "call" and span.exchange is None and span.resource is None


def _with_owner(span: Span, waiting: list[Exchange]) -> Span:
    """The span as one of the first exchange that still waits for such a call."""
    owner = next((each for each in waiting if each.started < span.start), None)
    if owner is None:
        return span
    waiting.remove(owner)
    return msgspec.structs.replace(span, exchange=owner.number)


def _logs_with_owners(
    logs: tuple[LogRecord, ...], spans: tuple[Span, ...]
) -> tuple[LogRecord, ...]:
    """A record logged outside of any exchange is about the call that ended just before it."""
    ended = sorted((span for span in spans if span.kind == "call"), key=lambda span: span.end)
    ends = [span.end for span in ended]
    return tuple(
        msgspec.structs.replace(log, exchange=_last_before(log.at, ends, ended))
        if log.exchange is None
        else log
        for log in logs
    )


def _last_before(moment: Moment, ends: list[Moment], ended: list[Span]) -> int | None:
    place = bisect_left(ends, moment)
    return ended[place - 1].exchange if place else None
