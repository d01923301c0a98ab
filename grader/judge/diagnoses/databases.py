"""Databases: connections opened, kept and lost, and the statements that go over them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ...report import Diagnosis
from ...scenarios import Request
from ...trace import Exchange, Span, SpanKind, Trace
from .case import Case, at_line, lines_in_words, overlap


def pool_per_request(case: Case) -> Iterable[Diagnosis]:
    opened = [span for span in _spans(case.got, "connection") if span.exchange is not None]
    requests = {span.exchange for span in opened}
    short = [span for span in opened if _ends_with_its_exchange(case.got, span)]
    if len(requests) > 1 and len(short) > len(_spans(case.expected, "connection")):
        line = _line_of(case, short[0])
        yield Diagnosis(
            "pool-per-request",
            line,
            f"{at_line(line)} opens a connection for each request ({len(opened)} of them for "
            f"{len(requests)} requests). Opening one costs more than most queries, and a crowd of "
            "requests takes all that the server has. What lives as long as the app does?",
        )


def _ends_with_its_exchange(trace: Trace, connection: Span) -> bool:
    over = trace.exchanges[connection.exchange or 0].returned
    return over is not None and connection.how == "done" and connection.end.tick <= over.tick


def connection_leaked(case: Case) -> Iterable[Diagnosis]:
    """A request waits for a connection, and no connection does anything."""
    for exchange in _unanswered(case):
        waits = [s for s in case.waits(exchange.number) if s.how in ("open", "cancelled", "failed")]
        if not waits or any(overlap(waits[-1], s) for s in _spans(case.got, "statement")):
            continue
        used = [s for s in _spans(case.got, "statement") if s.exchange != exchange.number]
        if used and _spans(case.got, "connection") and not _holds_one(case.got, exchange):
            line = _taken_at(case, _first_to_leak(case.got, used))
            yield Diagnosis(
                "connection-leaked",
                line,
                f"A connection that line {line} takes from the pool does not come back when the "
                "request fails or its caller leaves. After a few of those the pool is empty, and "
                f"line {waits[-1].line} waits for ever. What runs however a block is left?",
            )
            return


def _first_to_leak(trace: Trace, used: list[Span]) -> Span:
    """The first statement that did not end well, for that is where the way back is missed."""
    return next((span for span in used if span.how != "done"), used[0])


def _taken_at(case: Case, statement: Span) -> int | None:
    """The line that took the connection which a statement goes over."""
    before = [
        wait
        for wait in case.waits(statement.exchange)
        if wait.start < statement.start and _takes_connection(wait)
    ]
    return before[-1].line if before else statement.line


def _takes_connection(wait: Span) -> bool:
    return any(word in wait.name.lower() for word in ("acquire", "getconn", "connection"))


def two_connections_per_request(case: Case) -> Iterable[Diagnosis]:
    if not case.expects_time() and case.got.outcome.kind == "finished":
        return
    for exchange in case.got.exchanges:
        taken = [s for s in case.waits(exchange.number) if _takes_connection(s)]
        if len(taken) > 1 and _holds_one(case.got, exchange) and exchange.completed is None:
            yield _two_connections(taken[0].line, taken[-1].line)
            return
        if pair := _two_at_once(case.got, exchange.number):
            yield _two_connections(*(span.line for span in pair))
            return


def _two_connections(first: int | None, second: int | None) -> Diagnosis:
    return Diagnosis(
        "two-connections-per-request",
        second,
        f"{at_line(second)} takes a second connection while the one of line {first} is still held. "
        "When every connection of the pool is held by a request that wants another one, nobody "
        "ever gets it. Could both queries go over the same connection?",
    )


def _holds_one(trace: Trace, exchange: Exchange) -> bool:
    """Whether an exchange holds a connection in the middle of a transaction."""
    return any(
        span.exchange == exchange.number and span.how == "open"
        for span in _spans(trace, "transaction")
    )


def _two_at_once(trace: Trace, exchange: int) -> tuple[Span, Span] | None:
    """Transactions of one exchange on two connections, the second within the first."""
    mine = [s for s in _spans(trace, "transaction") if s.exchange == exchange]
    return next(
        (
            (one, other)
            for one in mine
            for other in mine
            if one.resource != other.resource
            and one.start < other.start
            and other.start.tick < one.end.tick
        ),
        None,
    )


def connection_held_while_waiting(case: Case) -> Iterable[Diagnosis]:
    """A transaction stays open while something else is waited for."""
    if not case.expects_time():
        return
    for transaction in _spans(case.got, "transaction"):
        inside = [
            call
            for call in (*case.got.calls(), *_spans(case.got, "request"))
            if call.exchange == transaction.exchange
            and call.start > transaction.start
            and call.start.tick < transaction.end.tick
            and call.seconds
        ]
        if inside:
            line = case.call_line(inside[0])
            yield Diagnosis(
                "connection-held-while-waiting",
                line,
                f"{at_line(line)} waits for {inside[0].name} with a connection in its hand. "
                "Others wait for that connection meanwhile. What needs it, and what does not?",
            )
            return


def pool_not_closed(case: Case) -> Iterable[Diagnosis]:
    left = [span for span in _spans(case.got, "connection") if span.how == "open"]
    expected = [span for span in _spans(case.expected, "connection") if span.how == "open"]
    if case.got.outcome.kind == "finished" and len(left) > len(expected):
        line = left[0].line
        yield Diagnosis(
            "pool-not-closed",
            line,
            f"When the app has shut down, {len(left)} of its connections are still open; "
            f"{at_line(line).lower()} opened them. The server keeps each of them until it notices. "
            "Who says good-bye, and when?",
        )


def query_per_row(case: Case) -> Iterable[Diagnosis]:
    for ours, theirs in case.exchanges():
        mine = _statements(case.got, ours.number)
        should = _statements(case.expected, theirs.number)
        repeated = Counter(_shape(span) for span in mine).most_common(1)
        if repeated and repeated[0][1] > max(2, len(should)):
            text, count = repeated[0]
            line = next(span.line for span in mine if _shape(span) == text)
            yield Diagnosis(
                "query-per-row",
                line,
                f"{at_line(line)} asks the database {count} times for one answer, once for each "
                "row. Every question is a journey there and back. Could it be one question?",
            )
            return


def sql_injection(case: Case) -> Iterable[Diagnosis]:
    for span in _spans(case.got, "statement"):
        if span.exchange is None or span.exchange >= len(case.scenario.requests):
            continue
        request = case.scenario.requests[span.exchange]
        if any(value in str(span.arguments[0]) for value in _values_of(request)):
            yield Diagnosis(
                "sql-injection",
                span.line,
                f"{at_line(span.line)} writes what the client sent into the text of the statement. "
                "The server cannot tell your SQL from the client's then, and a quote in a name is "
                "enough to say anything. How does a value travel beside the statement?",
            )
            return


def _values_of(request: Request) -> Iterator[str]:
    """What a client sent that could only come into a statement by being pasted there."""
    try:
        body: Any = json.loads(request.body)
    except ValueError:
        return
    values = body.values() if isinstance(body, dict) else ()
    for value in values:
        if isinstance(value, str) and len(value) > 5:
            yield from (value, value.replace("'", "''"))


def queries_in_turn(case: Case) -> Iterable[Diagnosis]:
    """Queries of one request that need not wait for each other, and do."""
    for ours, theirs in case.exchanges():
        should = _statements(case.expected, theirs.number)
        mine = _statements(case.got, ours.number)
        if _any_overlap(should) and len(mine) > 1 and not _any_overlap(mine):
            lines = lines_in_words(span.line for span in mine)
            yield Diagnosis(
                "queries-in-turn",
                mine[0].line,
                f"{lines} wait for each query before the next one starts. None needs what another "
                "returns. What would it take for them to be under way at the same time?",
            )
            return


def one_connection_for_all(case: Case) -> Iterable[Diagnosis]:
    """A single connection, or a pool that is too small: requests stand in line for it."""
    mine, should = _spans(case.got, "statement"), _spans(case.expected, "statement")
    if not case.expects_time() or not mine or not should:
        return
    if _most_at_once(mine) < _most_at_once(should):
        count = _most_at_once(mine)
        connections = "one connection" if count == 1 else f"{count} connections"
        line = next(iter(_spans(case.got, "connection"))).line
        yield Diagnosis(
            "serialized",
            line,
            f"All requests share {connections}: no more than {count} of their queries are under "
            f"way at once, where there could be {_most_at_once(should)}. How many does "
            f"{at_line(line).lower()} allow?",
        )


def shared_connection(case: Case) -> Iterable[Diagnosis]:
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and "another operation is in progress" in error.text:
            yield Diagnosis(
                "shared-connection",
                error.line,
                f"{at_line(error.line)} uses a connection on which another request is still "
                "waiting for its answer. A connection does one thing at a time. Who hands out a "
                "connection of its own to each?",
            )
            return


def lost_update(case: Case) -> Iterable[Diagnosis]:
    """Two requests read the same row before either has written it."""
    if case.got.readings == case.expected.readings:
        return
    for one, other in _pairs(case.got):
        reads, writes = _first(one, "select"), _first(one, "update")
        if reads and writes and _reads_before(other, writes) and _writes_after(other, reads):
            yield Diagnosis(
                "race",
                writes.line,
                f"Two requests read the row (line {reads.line}), and then both write it back (line "
                f"{writes.line}). The second to write puts back what it had read, and the first "
                "one's change is gone. How can reading and writing be one step?",
            )
            return


def _reads_before(others: list[Span], write: Span) -> bool:
    read = _first(others, "select")
    return read is not None and read.end.tick <= write.start.tick


def _writes_after(others: list[Span], read: Span) -> bool:
    write = _first(others, "update")
    return write is not None and read.end.tick <= write.start.tick


def not_committed(case: Case) -> Iterable[Diagnosis]:
    """What was written is not there, because its transaction was never ended."""
    if case.got.readings == case.expected.readings:
        return
    open_ = [s for s in _spans(case.got, "transaction") if s.how == "open"]
    written = [
        s for s in _spans(case.got, "statement") if _word(s) in ("insert", "update", "delete")
    ]
    for transaction in open_:
        for span in written:
            if span.resource == transaction.resource and span.start >= transaction.start:
                yield Diagnosis(
                    "not-committed",
                    span.line,
                    f"{at_line(span.line)} writes within a transaction that nobody ever commits. "
                    "The answer says that it is done; when the connection ends, it never happened.",
                )
                return


def _unanswered(case: Case) -> Iterator[Exchange]:
    """Exchanges that have no answer where the reference's have one."""
    for ours, theirs in case.exchanges():
        late = ours.status is not None and ours.status >= 500 and theirs.status == 200
        if theirs.completed is not None and (ours.completed is None or late):
            yield ours


def _spans(trace: Trace, kind: SpanKind) -> list[Span]:
    """The spans of a kind; a `connection` only if statements went over it, or could have."""
    upstreams = {span.name for span in trace.spans if span.kind == "request"}
    return [span for span in trace.spans if span.kind == kind and span.name not in upstreams]


def _statements(trace: Trace, exchange: int) -> list[Span]:
    return [span for span in _spans(trace, "statement") if span.exchange == exchange]


def _pairs(trace: Trace) -> Iterator[tuple[list[Span], list[Span]]]:
    each = [_statements(trace, exchange.number) for exchange in trace.exchanges]
    return ((a, b) for at, a in enumerate(each) for b in each[at + 1 :])


def _first(spans: list[Span], word: str) -> Span | None:
    return next((span for span in spans if _word(span) == word), None)


def _word(statement: Span) -> str:
    return str(statement.arguments[0]).split(maxsplit=1)[0].lower() if statement.arguments else ""


def _shape(statement: Span) -> str:
    """A statement's text without its numbers: the same question about another row."""
    return "".join("0" if c.isdigit() else c for c in str(statement.arguments[0]))


def _any_overlap(spans: list[Span]) -> bool:
    return any(overlap(a, b) for at, a in enumerate(spans) for b in spans[at + 1 :])


def _most_at_once(spans: list[Span]) -> int:
    return max((sum(overlap(a, b) for b in spans) for a in spans), default=0)


def _line_of(case: Case, connection: Span) -> int | None:
    return connection.line if connection.line is not None else case.call_line(connection)
