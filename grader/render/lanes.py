"""The lanes of one trace: of requests, of what they waited for, and of connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from ..model.trace import AROUND, Exchange, Span, SpanKind, Trace, to_seconds
from .picture import Bar, BarKind, Crowd, Lane, Mark, MarkKind, Row

MOST_NAMES = 8
"""Names of what a request called that have lanes of their own; the last ones are folded."""
MOST_PLACES = 4
"""Lines of the learner's that have lanes of their own below a request."""
MOST_AT_ONCE = 3
"""Lanes for spans of one name, of which some overlap; more are folded."""
MOST_REQUESTS = 6
"""Different requests of one exchange that are drawn each in a lane of its own."""
MOST_CONNECTIONS = 6
"""Connections to databases that are drawn at full size."""
MOST_LINES = 50
"""Lines of a stream, or messages of a WebSocket, that are marked."""


class Lanes:
    """Makes lanes of a trace.

    Args:
        lines: whether labels name lines; those of the reference are not the learner's.
    """

    def __init__(self, trace: Trace, lines: bool) -> None:
        self._trace = trace
        self._lines = lines
        self._seen = [span for span in trace.spans if span.end.tick >= trace.opened]
        self._own: dict[int | None, list[Span]] = {}
        for span in self._seen:
            self._own.setdefault(span.exchange, []).append(span)

    def of(self, exchange: Exchange) -> Iterator[Row]:
        """The lane of a request, and those of what it waited for."""
        own = self._own.get(exchange.number, [])
        yield Lane(self._title(exchange), tuple(self._life(exchange)), tuple(self._marks(exchange)))
        yield from self._by_name("  ", _around(own), MOST_PLACES)
        yield from self._by_name("  ", _called(own), MOST_NAMES)
        yield from self._by_name("  ", self._waits(own), MOST_PLACES)
        yield from self._by_name("  ", self._tasks(own), MOST_PLACES)
        yield from self._places("  BLOCKED", own, "blocked")
        yield from self._places("  in a thread", own, "thread")

    def thin(self, exchange: Exchange) -> Lane:
        """All of a request in one lane, to be drawn small."""
        own = self._own.get(exchange.number, [])
        spans = _called(own) or self._waits(own)
        spans += [span for span in own if span.kind in ("thread", "blocked")]
        bars = (*self._life(exchange), *self._bars(spans))
        return Lane(self._title(exchange), bars, tuple(self._marks(exchange)))

    def of_nobody(self) -> Iterator[Row]:
        """Calls that belong to no request, as those of a worker task."""
        own = self._own.get(None, [])
        yield from self._by_name("", _called(own), MOST_NAMES)
        yield from self._places("BLOCKED", own, "blocked")

    def of_connections(self) -> Iterator[Row]:
        """A lane for each connection to a database, with its transactions and statements."""
        over: dict[int | None, list[Span]] = {}
        for span in self._seen:
            over.setdefault(span.resource, []).append(span)
        databases = {span.name for span in self._seen if span.kind == "statement"}
        lives = [s for s in self._seen if s.kind == "connection" and s.name in databases]
        lives.sort(key=lambda life: life.resource or 0)
        return _folded(
            [
                Lane(f"{life.name} connection {number}", self._bars(_traffic(life, over)))
                for number, life in enumerate(lives, 1)
            ],
            MOST_CONNECTIONS,
            "more connections",
        )

    def blocked(self) -> tuple[Bar, ...]:
        """When the loop stood still, for whatever request; blocks that touch are one stretch."""
        blocked = [span for span in self._seen if span.kind == "blocked"]
        found: list[Bar] = []
        for bar in sorted(self._bars(blocked), key=_start_of):
            if found and bar.start <= found[-1].end:
                found[-1] = Bar(found[-1].start, max(found[-1].end, bar.end), "blocked")
            else:
                found.append(Bar(bar.start, bar.end, "blocked"))
        return tuple(found)

    # What became of a request

    def _title(self, exchange: Exchange) -> str:
        number = f" #{exchange.number + 1}" if len(self._trace.exchanges) > 1 else ""
        closing = exchange.closing
        code = f": {closing.code}" if closing is not None and closing.by == "server" else ""
        method = "WS" if exchange.method == "WEBSOCKET" else exchange.method
        return f"{method} {exchange.path}{number}{code}"

    def _life(self, exchange: Exchange) -> Iterator[Bar]:
        answered, returned = exchange.completed or exchange.hung_up, exchange.returned
        end = answered or returned
        yield self._between(
            exchange.started.tick, end.tick if end else self._trace.ended, "request"
        )
        if answered and returned and returned.tick > answered.tick:
            yield self._between(answered.tick, returned.tick, "after")

    def _marks(self, exchange: Exchange) -> Iterator[Mark]:
        if exchange.closing is not None or exchange.messages:
            yield from self._marks_of_socket(exchange)
            return
        lines = list(exchange.lines())
        if len(lines) > 1:
            for chunk in lines[:MOST_LINES]:
                yield Mark(self._since(chunk.at.tick), "line")
        first, last = exchange.responded, exchange.completed
        if first and (last is None or first.tick < last.tick):
            yield Mark(self._since(first.tick), "first")
        if last:
            yield Mark(self._since(last.tick), "last")
        if exchange.hung_up:
            yield Mark(self._since(exchange.hung_up.tick), "left")

    def _marks_of_socket(self, exchange: Exchange) -> Iterator[Mark]:
        """Each message, and the end: whose code stands in the title if the server closes it."""
        for message in exchange.messages[:MOST_LINES]:
            kind: MarkKind = "heard" if message.by == "client" else "told"
            yield Mark(self._since(message.at.tick), kind)
        closing = exchange.closing
        if closing is not None:
            yield Mark(self._since(closing.at.tick), "closed" if closing.by == "server" else "left")

    # What it waited for

    def _waits(self, own: list[Span]) -> list[Span]:
        """The waits at lines of the learner's during which nothing was called."""
        calls = _called(own)
        return [
            self._placed(span, span.name)
            for span in own
            if span.kind == "wait" and span.line is not None and span.seconds
            if not any(call.start < span.end and span.start < call.end for call in calls)
        ]

    def _tasks(self, own: list[Span]) -> list[Span]:
        """The tasks of which nothing else is drawn, such as `sleep` handed to `gather`."""
        known = {span.task for span in own if span.kind not in {"task", *AROUND}}
        return [
            self._placed(span, span.name)
            for span in own
            if span.kind == "task" and span.seconds and span.task not in known
        ]

    def _places(self, label: str, own: list[Span], kind: SpanKind) -> Iterator[Row]:
        spans = [self._placed(span, label) for span in own if span.kind == kind]
        return self._by_name("", spans, MOST_PLACES)

    def _placed(self, span: Span, name: str) -> Span:
        name = f"{name} (line {span.line})" if self._lines and span.line else name
        return msgspec.structs.replace(span, name=name)

    def _by_name(self, indent: str, spans: Iterable[Span], most: int) -> Iterator[Row]:
        by_name: dict[str, list[Span]] = {}
        for span in spans:
            by_name.setdefault(indent + span.name, []).append(span)
        names = list(by_name)
        for name in names[:most]:
            yield from self._packed(name, by_name[name])
        rest = [Lane(name, self._bars(by_name[name])) for name in names[most:]]
        yield from _folded(rest, 0, "more", indent)

    def _packed(self, label: str, spans: list[Span]) -> Iterator[Row]:
        """As many lanes as it takes for no two bars to overlap."""
        lanes = [Lane(label, bars) for bars in _without_overlap(self._bars(spans))]
        if len(lanes) <= MOST_AT_ONCE:
            yield from lanes
        else:
            yield Crowd(f"{label} ×{len(spans)}", tuple(lanes))

    # Bars

    def _bars(self, spans: Iterable[Span]) -> tuple[Bar, ...]:
        return tuple(self._bar(span) for span in spans)

    def _bar(self, span: Span) -> Bar:
        bar = self._between(span.start.tick, span.end.tick, _kind_of(span))
        text = first_words(span) if span.kind == "statement" else ""
        return msgspec.structs.replace(bar, text=text, line=span.line if self._lines else None)

    def _between(self, start: int, end: int, kind: BarKind) -> Bar:
        return Bar(self._since(start), self._since(end), kind)

    def _since(self, tick: int) -> float:
        return to_seconds(max(0, tick - self._trace.opened))


def _called(own: list[Span]) -> list[Span]:
    return [span for span in own if span.kind == "call"] + _named_requests(own)


def _around(own: list[Span]) -> list[Span]:
    """What FastAPI runs around the endpoint, where that takes time and isn't a call's alone."""
    calls = {(call.start.tick, call.end.tick) for call in _called(own)}
    return [
        msgspec.structs.replace(span, name=_AROUND[span.kind].format(span.name))
        for span in own
        if span.kind in AROUND and span.seconds
        if (span.start.tick, span.end.tick) not in calls
    ]


_AROUND: dict[SpanKind, str] = {
    "dependency": "{}",
    "cleanup": "{} after its yield",
    "validation": "validation",
    "handler": "{} (handler)",
}


def _named_requests(own: list[Span]) -> list[Span]:
    """The requests to upstreams by method and path, unless there are too many of those."""
    requests = [span for span in own if span.kind == "request"]
    named = [msgspec.structs.replace(span, name=first_words(span)) for span in requests]
    return named if len({span.name for span in named}) <= MOST_REQUESTS else requests


def first_words(span: Span) -> str:
    """The text of a statement or request, on one line."""
    return " ".join(str(span.arguments[0]).split()) if span.arguments else span.name


def _kind_of(span: Span) -> BarKind:
    match span.kind:
        case "blocked" | "thread" | "connection" | "transaction":
            return span.kind
        case _:
            return span.how


def _traffic(life: Span, over: dict[int | None, list[Span]]) -> Iterator[Span]:
    """A connection, and what went over it; what is drawn later lies on top."""
    yield life
    for kind in ("transaction", "statement"):
        yield from (span for span in over[life.resource] if span.kind == kind)


def _start_of(bar: Bar) -> float:
    return bar.start


def _without_overlap(bars: Iterable[Bar]) -> list[tuple[Bar, ...]]:
    rows: list[list[Bar]] = []
    for bar in sorted(bars, key=_start_of):
        row = next((row for row in rows if row[-1].end <= bar.start), None)
        if row is None:
            rows.append([bar])
        else:
            row.append(bar)
    return [tuple(row) for row in rows]


def _folded(lanes: list[Lane], most: int, words: str, indent: str = "") -> Iterator[Row]:
    """The first lanes, and the rest as a crowd, unless that would be a single one."""
    most += len(lanes) == most + 1
    yield from lanes[:most]
    if lanes[most:]:
        yield Crowd(f"{indent}and {len(lanes) - most} {words}", tuple(lanes[most:]))
