"""A trace for other programs: as JSON with a schema, and as Chrome's trace events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from ..model.trace import Span, Trace, encode

APP, PROCESS = "the app", 1


def to_json(trace: Trace) -> bytes:
    """A trace as JSON; `json_schema` says of what form."""
    return encode(trace)


def from_json(text: bytes | str) -> Trace:
    """The trace that `to_json` was given.

    Raises:
        msgspec.DecodeError: the text isn't the JSON of a trace.
    """
    return msgspec.json.decode(text, type=Trace)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of what `to_json` gives."""
    return msgspec.json.schema(Trace)


def to_chrome(trace: Trace) -> dict[str, Any]:
    """A trace as Chrome's trace events, which Perfetto and `chrome://tracing` show.

    Each request has a row, with its waits and calls; an arrow leads from a wait to what is
    waited for. Times are microseconds of the virtual clock.
    """
    rows: dict[int | None, int] = {e.number: e.number + 1 for e in trace.exchanges}
    rows[None] = 0
    events = [*_names(trace, rows), *_requests(trace, rows)]
    events += [_span(span, rows) for span in trace.spans]
    events += _arrows(trace, rows)
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _names(trace: Trace, rows: dict[int | None, int]) -> Iterator[dict[str, Any]]:
    titles: dict[int | None, str] = {None: APP}
    titles |= {e.number: f"#{e.number + 1} {e.method} {e.path}" for e in trace.exchanges}
    for number, title in titles.items():
        yield {
            "ph": "M",
            "name": "thread_name",
            "pid": PROCESS,
            "tid": rows[number],
            "args": {"name": title},
        }


def _requests(trace: Trace, rows: dict[int | None, int]) -> Iterator[dict[str, Any]]:
    for exchange in trace.exchanges:
        end = exchange.returned or exchange.completed or exchange.hung_up
        start = exchange.started.tick
        yield {
            "ph": "X",
            "name": f"{exchange.method} {exchange.path}",
            "cat": "request",
            "pid": PROCESS,
            "tid": rows[exchange.number],
            "ts": start,
            "dur": (end.tick if end else trace.ended) - start,
            "args": {"status": exchange.status},
        }


def _span(span: Span, rows: dict[int | None, int]) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": span.name or span.kind,
        "cat": span.kind,
        "pid": PROCESS,
        "tid": rows.get(span.exchange, 0),
        "ts": span.start.tick,
        "dur": span.end.tick - span.start.tick,
        "args": {"line": span.line, "task": span.task, "how": span.how},
    }


def _arrows(trace: Trace, rows: dict[int | None, int]) -> Iterator[dict[str, Any]]:
    """From each wait to the calls that were under way in it, made at the same line."""
    numbers = count(1)
    waits = [span for span in trace.spans if span.kind == "wait"]
    for call in trace.calls():
        for wait in waits:
            if wait.line == call.line and wait.exchange == call.exchange and _meet(wait, call):
                number = next(numbers)
                yield _end("s", number, wait, rows)
                yield _end("f", number, call, rows)


def _meet(wait: Span, call: Span) -> bool:
    return wait.start.tick <= call.start.tick and call.end.tick <= wait.end.tick


def _end(phase: str, number: int, span: Span, rows: dict[int | None, int]) -> dict[str, Any]:
    return {
        "ph": phase,
        "id": number,
        "name": "waits for",
        "cat": "wait",
        "bp": "e",
        "pid": PROCESS,
        "tid": rows.get(span.exchange, 0),
        "ts": span.start.tick,
    }
