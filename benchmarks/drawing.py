"""Drawing a large trace as SVG: how long it takes, and how large the picture is."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from grader.model.trace import Exchange, Moment, Outcome, Span, Trace, to_ticks
from grader.render.svg import timeline_svg

from .results import Row, spread

REQUESTS, SPANS = 100, 10
"""How many requests, and spans of each."""
MILLISECONDS = 100
KILOBYTES = 300


def measure(short: bool) -> list[Row]:
    """Requests that can be folded, and some that cannot, each beside another trace."""
    traces = {
        "alike": traced(lambda request, span: ("/users", "fetch")),
        "all different": traced(lambda request, span: (f"/{'x' * request}", f"fetch_{span}")),
        "in turn and long": traced(lambda request, span: ("/users", f"fetch_{span}"), apart=50),
    }
    return [
        row
        for name, trace in traces.items()
        for row in _rows(f"{REQUESTS} requests, {len(trace.spans)} spans, {name}", trace, short)
    ]


def _rows(what: str, trace: Trace, short: bool) -> list[Row]:
    times = [drawn(trace) * 1000 for _ in range(10 if short else 50)]
    size = len(timeline_svg(trace, other_than(trace)).encode()) / 1000
    return [
        Row(
            what, spread(times, " ms"), f"at most {MILLISECONDS} ms", median(times) <= MILLISECONDS
        ),
        Row("its size", f"{size:.0f} KB", f"at most {KILOBYTES} KB", size <= KILOBYTES),
    ]


def drawn(trace: Trace) -> float:
    """Real seconds that the picture of a trace takes, with another one below it."""
    other = other_than(trace)
    began = time.perf_counter()
    timeline_svg(trace, other)
    return time.perf_counter() - began


def traced(names: Callable[[int, int], tuple[str, str]], apart: float = 0.5) -> Trace:
    """A trace of requests whose starts are `apart` seconds apart.

    Args:
        names: the path of a request and the name of its span, by the numbers of both.
    """
    requests = [(number, number * apart) for number in range(REQUESTS)]
    return Trace(
        outcome=Outcome("finished"),
        exchanges=tuple(_exchange(number, names(number, 0)[0], at) for number, at in requests),
        spans=tuple(
            _span(number, names(number, nth)[1], at + nth)
            for number, at in requests
            for nth in range(SPANS)
        ),
    )


def other_than(trace: Trace) -> Trace:
    """The trace without its last request, so that both are drawn."""
    return Trace(outcome=trace.outcome, exchanges=trace.exchanges[:-1], spans=trace.spans)


def _exchange(number: int, path: str, at: float) -> Exchange:
    return Exchange(
        number=number,
        method="GET",
        path=path,
        started=_moment(at),
        responded=_moment(at + 1),
        completed=_moment(at + SPANS),
        returned=_moment(at + SPANS + 1),
        status=200,
    )


def _span(exchange: int, name: str, at: float) -> Span:
    return Span(
        kind="call",
        name=name,
        start=_moment(at),
        end=_moment(at + 1.5),
        how="done",
        line=7,
        exchange=exchange,
    )


def _moment(seconds: float) -> Moment:
    return Moment(to_ticks(seconds), 0)
