"""Connections and generators: what is opened must be closed, once, and not too soon."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator

from ...model.report import Diagnosis
from ...model.trace import Exchange, Span, Trace
from .case import Case, at_line, calls_of


def stream_buffered(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        mine = [chunk.at.tick for chunk in ours.chunks]
        should = {chunk.at.tick for chunk in theirs.chunks}
        bunched = len(set(mine)) == 1 or len(set(mine)) < len(mine)
        if mine and bunched and len(set(mine)) < len(should):
            yield Diagnosis(
                "stream-buffered",
                _generator_line(case),
                "Rows go out together that were not there together: the first is sent when it has "
                "long been there. Something collects them: who waits for the last row before "
                "sending the first?",
            )
            return
        if _each_line_is_late(ours, theirs):
            yield Diagnosis(
                "stream-buffered",
                _generator_line(case),
                "Each line is complete only when the next row is there. What belongs to a line, "
                "and what does a client wait for that reads line by line?",
            )
            return
        if len(should) > 1 and not mine and ours.hung_up is not None:
            yield Diagnosis(
                "stream-buffered",
                _generator_line(case),
                "Nothing has gone out by the moment the reference has sent its first lines. "
                "Something collects the rows first.",
            )
            return


def _each_line_is_late(ours: Exchange, theirs: Exchange) -> bool:
    mine = [chunk.at.tick - ours.started.tick for chunk in ours.lines()]
    should = [chunk.at.tick - theirs.started.tick for chunk in theirs.lines()]
    is_shifted = len(mine) == len(should) > 1 and mine != should and mine[:-1] == should[1:]
    return is_shifted and _first_row(ours) == _first_row(theirs)


def _first_row(exchange: Exchange) -> object:
    """The first line read as JSON, or as it is."""
    line = next(exchange.lines()).body
    try:
        return json.loads(line)
    except ValueError:
        return line


def _generator_line(case: Case) -> int | None:
    return next((case.call_line(span) for span in case.got.calls()), None)


def cancellation_ignored(case: Case) -> Iterable[Diagnosis]:
    """The client left, the stream was cancelled, and the learner's code went on regardless."""
    for exchange in case.got.exchanges:
        if exchange.hung_up is None or exchange.returned is None:
            continue
        cancelled = [
            span
            for span in case.got.spans
            if span.kind == "wait"
            and span.how == "cancelled"
            and span.exchange == exchange.number
            and span.line is not None
            and span.seconds
            and span.end.tick == exchange.hung_up.tick
        ]
        later = [
            span
            for span in case.got.spans
            if span.kind in ("wait", "call")
            and span.exchange == exchange.number
            and span.start.tick >= exchange.hung_up.tick
            and span.end.tick > exchange.hung_up.tick
        ]
        if cancelled and any(s.task == c.task for s in later for c in cancelled):
            line = cancelled[0].line
            yield Diagnosis(
                "cancellation-swallowed",
                line,
                f"The client hung up and the wait at line {line} was cancelled, but your code "
                "caught the CancelledError and went on. It is how a stream is told to stop.",
            )
            return


def generator_left_open(case: Case) -> Iterable[Diagnosis]:
    for exchange in case.got.exchanges:
        if exchange.hung_up is None:
            continue
        for span in calls_of(case.got, exchange.number):
            if _is_generator(span) and span.end.tick > exchange.hung_up.tick:
                line = case.call_line(span)
                yield Diagnosis(
                    "generator-left-open",
                    line,
                    f"The client is gone, and {span.name} (line {line}) still goes on: its "
                    "`finally` has not run. Who tells the generator that nobody reads any more?",
                )
                return


def _is_generator(span: Span) -> bool:
    return span.resource is not None and "." not in span.name


def cancelled_call_answers(case: Case) -> Iterable[Diagnosis]:
    """The server cancelled the call, and it ended as if it had not been."""
    for ours, theirs in case.exchanges():
        cancelled = theirs.raised is not None and theirs.raised.type == "CancelledError"
        if cancelled and (ours.raised is None or ours.raised.type != "CancelledError"):
            cut = [wait for wait in case.waits(ours.number) if wait.how == "cancelled"]
            if not cut:
                continue  # it was over before
            line = cut[0].line
            yield Diagnosis(
                "cancellation-swallowed",
                line,
                f"The server cancelled the request at line {line}, and your code caught the "
                "CancelledError and went on. Clean up when it comes, then let it through: "
                "whoever cancelled waits for it.",
            )
            return


def shared_connection(case: Case) -> Iterable[Diagnosis]:
    for opening, queries, _ in _connections(case.got):
        if len({query.exchange for query in queries}) > 1:
            line = case.call_line(opening)
            yield Diagnosis(
                "shared-connection",
                line,
                f"The connection that is opened at line {line} serves {len(queries)} requests. "
                "What would become of the others if one of them failed in the middle of it?",
            )
            return


def called_twice(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        got = _opening_counts(case.got, ours.number)
        expected = _opening_counts(case.expected, theirs.number)
        for name, count in got.items():
            if count > expected[name] > 0:
                spans = calls_of(case.got, ours.number, name)
                line = case.call_line(spans[-1])
                yield Diagnosis(
                    "called-twice",
                    line,
                    f"{name} is called {count} times for one request (line {line} is the last), "
                    f"and {expected[name]} is enough. Each call costs its time, and may have "
                    "effects of its own.",
                )
                return


def _opening_counts(trace: Trace, exchange: int) -> Counter[str]:
    return Counter(span.name for span in calls_of(trace, exchange) if ".close" not in span.name)


def _connections(trace: Trace) -> Iterator[tuple[Span, list[Span], list[Span]]]:
    """Every opened connection with its queries and its closings."""
    for opening in trace.calls():
        if opening.resource is None or "." in opening.name or opening.how != "done":
            continue
        own = [s for s in trace.calls() if s.resource == opening.resource and s is not opening]
        queries = [span for span in own if not span.name.endswith(".close")]
        yield opening, queries, [span for span in own if span.name.endswith(".close")]


def _closes(trace: Trace) -> bool:
    return any(span.name.endswith(".close") for span in trace.calls())


def closed_too_early(case: Case) -> Iterable[Diagnosis]:
    for opening, queries, closings in _connections(case.got):
        for query in queries:
            early = [c for c in closings if c.start < query.end]
            if early:
                line = case.call_line(early[0])
                yield Diagnosis(
                    "closed-too-early",
                    line,
                    f"{at_line(line)} closes the connection while {query.name} "
                    f"(line {case.call_line(query)}) still needs it. How far does the "
                    "`async with` reach, and what is used outside of it?",
                )
                return
        del opening


def closed_twice(case: Case) -> Iterable[Diagnosis]:
    for _, _, closings in _connections(case.got):
        if len(closings) > 1:
            line = case.call_line(closings[1])
            yield Diagnosis(
                "closed-twice",
                line,
                f"{at_line(line)} closes a connection that is closed already "
                f"(first at line {case.call_line(closings[0])}). Who owns it, and who ends it?",
            )
            return


def not_closed(case: Case) -> Iterable[Diagnosis]:
    if not _closes(case.expected):
        return
    for opening, _, closings in _connections(case.got):
        if not any(closing.how == "done" for closing in closings):
            line = case.call_line(opening)
            cut = " Its close() was begun and cut off." if closings else ""
            yield Diagnosis(
                "not-closed",
                line,
                f"The connection that is opened at line {line} is not closed.{cut} "
                f"{_what_to_follow(case, opening)}",
            )
            return


def _what_to_follow(case: Case, opening: Span) -> str:
    """What to think about; it depends on how the request went."""
    if opening.exchange is None:
        return "Who closes it, and when?"
    request = case.scenario.requests[opening.exchange]
    if request.cancelled_at is not None or case.got.exchanges[opening.exchange].hung_up:
        return "Follow the request that is cancelled: which lines still run?"
    if any(call.how == "failed" for call in calls_of(case.got, opening.exchange)):
        return "Follow the request that fails: which lines still run?"
    return "Follow the request to its end: which line closes it, and when?"
