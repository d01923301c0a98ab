"""The picture of a trace: lanes of bars over one axis of time, independent of any medium."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from ..trace import Exchange, Span, Trace, to_seconds

BarKind = Literal["request", "done", "cancelled", "failed", "open", "blocked", "thread"]

MOST_EXCHANGES = 6
"""Exchanges that are drawn; of a crowd, the first ones stand for the rest."""


class Bar(msgspec.Struct, frozen=True):
    """From when to when (seconds since the app began to take requests), and of what kind."""

    start: float
    end: float
    kind: BarKind


class Mark(msgspec.Struct, frozen=True):
    """A moment: a line of a stream (`·`), a client hanging up (`!`)."""

    at: float
    sign: str
    says: str


class Lane(msgspec.Struct, frozen=True):
    """One row of the picture."""

    label: str
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...] = ()


class Timeline(msgspec.Struct, frozen=True):
    """A trace as a picture. Its `str` is for a terminal; in a notebook it draws itself.

    Attributes:
        left_out: how many exchanges have no lane of their own.
    """

    lanes: tuple[Lane, ...]
    length: float
    left_out: int = 0

    def __str__(self) -> str:
        from .bars import draw

        return "\n".join(text.plain.rstrip() for text in draw(self, width=80))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .svg import svg

        return svg(self)


def timeline(trace: Trace) -> Timeline:
    """The picture of a trace: a lane for each request, and below it what it waited for."""
    shown = trace.exchanges[:MOST_EXCHANGES]
    if len(trace.exchanges) > MOST_EXCHANGES:
        shown = shown[: MOST_EXCHANGES // 2]
    lanes = [lane for exchange in shown for lane in _lanes_of(trace, exchange)]
    ends = [bar.end for lane in lanes for bar in lane.bars]
    return Timeline(
        lanes=tuple(lanes),
        length=max(ends, default=0.0),
        left_out=len(trace.exchanges) - len(shown),
    )


def _lanes_of(trace: Trace, exchange: Exchange) -> Iterator[Lane]:
    several = len(trace.exchanges) > 1
    number = f" #{exchange.number + 1}" if several else ""
    yield Lane(
        f"{exchange.method} {exchange.path}{number}",
        tuple(_request_bars(trace, exchange)),
        tuple(_marks(trace, exchange)),
    )
    own = [span for span in trace.spans if span.exchange == exchange.number]
    calls = [span for span in own if span.kind == "call"]
    yield from _lanes_by_name("  ", trace, calls)
    if not calls:
        waits = [s for s in own if s.kind == "wait" and s.line is not None and s.end > s.start]
        named = [msgspec.structs.replace(s, name=f"{s.name} (line {s.line})") for s in waits]
        yield from list(_lanes_by_name("  ", trace, [s for s in named if s.seconds]))[:4]
    for kind in ("blocked", "thread"):
        spans = [span for span in own if span.kind == kind]
        if spans and not (kind == "thread" and calls):
            label = f"  {'BLOCKED' if kind == 'blocked' else 'in a thread'} (line {spans[0].line})"
            yield Lane(label, tuple(_bar(trace, span) for span in spans))


def _lanes_by_name(indent: str, trace: Trace, spans: Iterable[Span]) -> Iterator[Lane]:
    by_name: dict[str, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span.name, []).append(span)
    for name, same in by_name.items():
        yield Lane(indent + name, tuple(_bar(trace, span) for span in same))


def _bar(trace: Trace, span: Span) -> Bar:
    kind: BarKind = span.how
    if span.kind in ("blocked", "thread"):
        kind = "blocked" if span.kind == "blocked" else "thread"
    return Bar(_since(trace, span.start.tick), _since(trace, span.end.tick), kind)


def _request_bars(trace: Trace, exchange: Exchange) -> Iterator[Bar]:
    end = exchange.completed or exchange.hung_up or exchange.returned
    yield Bar(
        _since(trace, exchange.started.tick),
        _since(trace, end.tick if end else trace.ended),
        "request",
    )


def _marks(trace: Trace, exchange: Exchange) -> Iterator[Mark]:
    lines = list(exchange.lines())
    if len(lines) > 1:
        for chunk in lines[:50]:
            yield Mark(_since(trace, chunk.at.tick), "·", "a line goes out")
    if exchange.hung_up is not None:
        yield Mark(_since(trace, exchange.hung_up.tick), "!", "the client hangs up")


def _since(trace: Trace, tick: int) -> float:
    return to_seconds(tick - trace.opened)
