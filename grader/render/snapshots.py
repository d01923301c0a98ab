"""Where everything stands at each moment of a play: at which line, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..model.trace import Exchange, Span, Trace, to_seconds
from .lanes import first_words
from .text import cut

MOST_MOMENTS = 400
"""Moments that are kept of one play; of more, only the first ones."""
MOST_LINES = 12
"""Sentences of one moment."""
MOST_OF_TEXT = 60
"""Columns of a statement."""


class Snapshot(msgspec.Struct, frozen=True):
    """How everything stands from a moment on, until that of the next one.

    Attributes:
        at: seconds since the app began to take requests.
        says: a sentence for each task that stands anywhere.
        lines: of the learner's file at which something stands.
    """

    at: float
    says: tuple[str, ...]
    lines: tuple[int, ...] = ()


def snapshots(trace: Trace) -> tuple[Snapshot, ...]:
    """How everything stands, at each moment at which that changes."""
    spans = [span for span in trace.spans if span.end.tick >= trace.opened and span.seconds]
    ticks = sorted({trace.opened, *_ticks(trace, spans)})[:MOST_MOMENTS]
    return tuple(_snapshot(trace, spans, tick) for tick in ticks)


def _ticks(trace: Trace, spans: list[Span]) -> Iterator[int]:
    for span in spans:
        yield from (max(trace.opened, span.start.tick), span.end.tick)
    for exchange in trace.exchanges:
        yield exchange.started.tick
        yield from (end.tick for end in (exchange.completed, exchange.returned) if end)
        if exchange.hung_up:
            yield exchange.hung_up.tick


def _snapshot(trace: Trace, spans: list[Span], tick: int) -> Snapshot:
    now = [span for span in spans if span.start.tick <= tick < span.end.tick]
    told = [_sentence(trace, span, now) for span in now if _is_told(span, now)]
    lines = sorted({span.line for span in now if span.line and _is_told(span, now)})
    says = told + list(_answered(trace, tick))
    if len(says) > MOST_LINES:
        says = [*says[:MOST_LINES], f"and {len(says) - MOST_LINES} more"]
    at = to_seconds(tick - trace.opened)
    return Snapshot(at, tuple(says) or ("Nothing is under way.",), tuple(lines))


def _is_told(span: Span, now: list[Span]) -> bool:
    """The life of a task or of a connection is told only by what happens in it, and a call by
    the wait for it, where there is one."""
    match span.kind:
        case "connection" | "transaction":
            return False
        case "task":
            return not any(other.task == span.task for other in now if other is not span)
        case "thread" if span.line is None and span.exchange is None:
            return False  # a driver's own, which looks after its server
        case "call" | "statement" | "request":
            return not _wait_for(span, now)
        case _:
            return True


def _wait_for(call: Span, now: list[Span]) -> Span | None:
    """The wait of the same task in which a call is under way."""
    return next((w for w in now if w.kind == "wait" and _is_for(w, call)), None)


def _is_for(wait: Span, call: Span) -> bool:
    return wait.task == call.task and wait.exchange == call.exchange


def _sentence(trace: Trace, span: Span, now: list[Span]) -> str:
    where = f" at line {span.line}" if span.line else ""
    return f"{_who(trace, span)}{where}: {_does(span, now)}"


def _who(trace: Trace, span: Span) -> str:
    exchange = next((e for e in trace.exchanges if e.number == span.exchange), None)
    request = _name(trace, exchange) if exchange else "The app"
    return f"{request}, {span.task}" if span.task else request


def _does(span: Span, now: list[Span]) -> str:
    match span.kind:
        case "wait":
            calls = [c.name for c in now if c.kind in _CALLS and _is_for(span, c)]
            return f"waits for {', '.join(dict.fromkeys(calls)) or _awaited(span.name)}"
        case "blocked":
            return f"{span.name} blocks the loop, so all others stand still"
        case "thread":
            return f"{span.name}, in a worker thread"
        case "statement" | "request":
            return f"{cut(first_words(span), MOST_OF_TEXT)} is under way"
        case _:
            return f"{span.name} is under way"


def _awaited(name: str) -> str:
    """What is written at the line: no learner calls `__aexit__`."""
    manager, _, method = name.rpartition(".")
    ends = {"__aexit__": "end", "__aenter__": "beginning"}
    return f"the {ends[method]} of its {manager}" if manager and method in ends else name


_CALLS = ("call", "statement", "request")


def _answered(trace: Trace, tick: int) -> Iterator[str]:
    for exchange in trace.exchanges:
        ended = exchange.completed or exchange.hung_up
        if ended and ended.tick == tick:
            status = f"answered {exchange.status}" if exchange.completed else "hung up"
            yield f"{_name(trace, exchange)}: {status}"


def _name(trace: Trace, exchange: Exchange) -> str:
    number = f" #{exchange.number + 1}" if len(trace.exchanges) > 1 else ""
    return f"{exchange.method} {exchange.path}{number}"
