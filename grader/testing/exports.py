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
    events = [*_names(trace), *_requests(trace), *map(_span, trace.spans), *_arrows(trace)]
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def _row(exchange: int | None) -> int:
    """Row 0 is the app's own; each request has one after it."""
    return 0 if exchange is None else exchange + 1


def _names(trace: Trace) -> Iterator[dict[str, Any]]:
    titles: dict[int | None, str] = {None: APP}
    titles |= {e.number: f"#{e.number + 1} {e.method} {e.path}" for e in trace.exchanges}
    for number, title in titles.items():
        yield {
            "ph": "M",
            "name": "thread_name",
            "pid": PROCESS,
            "tid": _row(number),
            "args": {"name": title},
        }


def _requests(trace: Trace) -> Iterator[dict[str, Any]]:
    for exchange in trace.exchanges:
        end = exchange.returned or exchange.completed or exchange.hung_up
        start = exchange.started.tick
        yield {
            "ph": "X",
            "name": f"{exchange.method} {exchange.path}",
            "cat": "request",
            "pid": PROCESS,
            "tid": _row(exchange.number),
            "ts": start,
            "dur": (end.tick if end else trace.ended) - start,
            "args": {"status": exchange.status},
        }


def _span(span: Span) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": span.name or span.kind,
        "cat": span.kind,
        "pid": PROCESS,
        "tid": _row(span.exchange),
        "ts": span.start.tick,
        "dur": span.end.tick - span.start.tick,
        "args": {"line": span.line, "task": span.task, "how": span.how},
    }


def _arrows(trace: Trace) -> Iterator[dict[str, Any]]:
    """From each wait to the calls that were under way in it, made at the same line."""
    numbers = count(1)
    waits = [span for span in trace.spans if span.kind == "wait"]
    for call in trace.calls():
        for wait in waits:
            if wait.line == call.line and wait.exchange == call.exchange and _meet(wait, call):
                number = next(numbers)
                yield _end("s", number, wait)
                yield _end("f", number, call)


def _meet(wait: Span, call: Span) -> bool:
    return wait.start.tick <= call.start.tick and call.end.tick <= wait.end.tick


def _end(phase: str, number: int, span: Span) -> dict[str, Any]:
    return {
        "ph": phase,
        "id": number,
        "name": "waits for",
        "cat": "wait",
        "bp": "e",
        "pid": PROCESS,
        "tid": _row(span.exchange),
        "ts": span.start.tick,
    }
