"""Aspects of what FastAPI does around an endpoint: dependencies, validation, exception handlers."""

from __future__ import annotations

from ...model.trace import Ending, Exchange, Span, SpanKind, Trace
from .aspect import aspect, seconds


def spans_around(trace: Trace, exchange: Exchange, *kinds: SpanKind) -> list[Span]:
    """The spans of an exchange that are of these kinds, in order of starting."""
    return [s for s in trace.spans if s.kind in kinds and s.exchange == exchange.number]


def _in_time(fact: tuple[str, int, int, Ending]) -> str:
    name, start, end, how = fact
    return f"{name} from {seconds(start)} to {seconds(end)}, {how}"


@aspect("dependencies", say=_in_time, nothing="no dependency")
def dependencies(trace: Trace) -> tuple[tuple[str, int, int, Ending], ...]:
    """Each dependency by name, in order: when it was solved, up to its `yield`, and how that ended.

    Times are ticks after the request. Those that a dependency needs itself have times of their own.
    """
    return tuple(
        (span.name, *_ticks(exchange, span), span.how)
        for exchange in trace.exchanges
        for span in spans_around(trace, exchange, "dependency")
    )


@aspect("dependencies", say=" → ".join, nothing="no dependency")
def dependency_order(trace: Trace) -> tuple[tuple[str, ...], ...]:
    """Of each exchange: the names of its dependencies as they are solved and then cleaned up."""
    orders = (
        tuple(map(_step, spans_around(trace, exchange, "dependency", "cleanup")))
        for exchange in trace.exchanges
    )
    return tuple(filter(None, orders))


def _step(span: Span) -> str:
    return f"{span.name} after its yield" if span.kind == "cleanup" else span.name


@aspect("cleanups", say=lambda fact: f"{fact[0]}: {fact[1]}, {fact[2]}", nothing="no clean-up")
def cleanups(trace: Trace) -> tuple[tuple[str, str, Ending], ...]:
    """Of each dependency with `yield`: whether what follows that runs before or after the answer.

    With `scope="function"` it runs before the answer is sent, else after it.
    """
    return tuple(
        (span.name, stage_of(exchange, span), span.how)
        for exchange in trace.exchanges
        for span in spans_around(trace, exchange, "cleanup")
    )


def stage_of(exchange: Exchange, cleanup: Span) -> str:
    """Where in an exchange a clean-up begins."""
    if exchange.responded is None or cleanup.start < exchange.responded:
        return "before the answer"
    if exchange.completed is None or cleanup.start < exchange.completed:
        return "during the answer"
    return "after the answer"


@aspect("cleanups", say=_in_time, nothing="no clean-up")
def cleanup_times(trace: Trace) -> tuple[tuple[str, int, int, Ending], ...]:
    """Of each dependency with `yield`: when what follows that ran, in ticks after the request."""
    return tuple(
        (span.name, *_ticks(exchange, span), span.how)
        for exchange in trace.exchanges
        for span in spans_around(trace, exchange, "cleanup")
    )


@aspect("handlers", say=lambda fact: f"a handler for {fact[0]}, {fact[1]}", nothing="no handler")
def handled(trace: Trace) -> tuple[tuple[str, Ending], ...]:
    """The errors that the app's own exception handlers took, and how each handler ended."""
    return tuple(
        (str(span.arguments[0]), span.how)
        for exchange in trace.exchanges
        for span in spans_around(trace, exchange, "handler")
    )


@aspect(
    "validation",
    say=lambda errors: f"refused for {', '.join(errors)}" if errors else "accepted",
)
def validation_errors(trace: Trace) -> tuple[tuple[str, ...], ...]:
    """Of each request: what FastAPI's validation found wrong with it, such as `query.page:
    int_parsing`."""
    return tuple(errors_in_request(trace, exchange) for exchange in trace.exchanges)


def errors_in_request(trace: Trace, exchange: Exchange) -> tuple[str, ...]:
    """What validation has found wrong, each once."""
    found = (span.arguments for span in spans_around(trace, exchange, "validation"))
    return tuple(dict.fromkeys(str(error) for errors in found for error in errors))


def _ticks(exchange: Exchange, span: Span) -> tuple[int, int]:
    since = exchange.started.tick
    return span.start.tick - since, span.end.tick - since
