"""Databases: the statements that went to one, and what became of what they wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from ...model.scenarios import Request, Scenario
from ...model.trace import Exchange, Span, Trace, json_in
from ..aspects.answers import done
from ..aspects.connections import still_at_work, ticks_after_answer
from .case import OUTCOME, Case, at_line, at_lines, differ, in_seconds, of_line, overlap
from .registry import Finding, rule
from .relayed import about_databases, owner_of, spans_of, statements_of, text_of, word_of, writes
from .variations import one_by_one


@rule("sql-injection")
@about_databases
def sql_injection(case: Case) -> Finding | None:
    """A value from the client is pasted into the text of a statement.

    The server can't tell your SQL from the client's then. A quote in a name breaks the
    statement, and one that is chosen with care reads or deletes whatever it likes.

    Instead: `fetch("select ... where name = $1", name)`: the value travels beside the text.
    """
    harmless = _without_quotes(case.scenario)
    if harmless == case.scenario:
        return None
    got, expected = case.replay(harmless)
    pasted = next(_pasted(case, got, harmless), None)
    if pasted is not None and (case.holds_for(got, expected) or _fails_less(case.got, got)):
        return Finding(
            pasted.line,
            f"{at_line(pasted.line)} writes what the client sent into the text of the statement. "
            "The server can't tell your SQL from the client's then: a quote in a name is enough to "
            "break it, or to make it do anything. How does a value travel beside the statement?",
        )
    return None


def _without_quotes(scenario: Scenario) -> Scenario:
    """The same requests, with nothing in them that means something in SQL."""
    plain = tuple(
        _plain(request) if isinstance(request, Request) else request
        for request in scenario.requests
    )
    return msgspec.structs.replace(scenario, requests=plain)


def _plain(request: Request) -> Request:
    body = request.body.replace(b"'", b"").replace(b";", b"")
    query = re.sub("%27|%3B", "", request.query, flags=re.IGNORECASE)
    return msgspec.structs.replace(request, body=body, query=query)


def _pasted(case: Case, trace: Trace, scenario: Scenario) -> Iterator[Span]:
    """The statements that have in their text what a client sent."""
    requests = [request for request in scenario.requests if isinstance(request, Request)]
    values = [value for request in requests for value in _texts_in(request)]
    for span in spans_of(case, trace, "statement"):
        if any(value in text_of(span) for value in values):
            yield span


def _texts_in(request: Request) -> Iterator[str]:
    """What a client sent that could only come into a statement by being pasted there."""
    values = [*_values_in(json_in(request.body)), *(value for _, value in parse_qsl(request.query))]
    yield from (value.strip() for value in values if len(value.strip()) > 5)


def _values_in(body: Any) -> Iterator[str]:
    """The texts in a body, however deep."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from _values_in(value)


def _fails_less(quoted: Trace, plain: Trace) -> bool:
    """Whether a request is answered without its quotes that failed with them."""
    return any(
        (with_them.status or 500) >= 500 > (without.status or 500)
        for with_them, without in zip(quoted.exchanges, plain.exchanges, strict=False)
    )


@rule("table-emptied")
@about_databases
def table_emptied(case: Case) -> Finding | None:
    """The app throws away what is in the database when it starts.

    Data outlives the process that wrote it. A server restarts now and then, and several run at
    once.

    Instead: `create table if not exists`, and no `drop` and no `delete`.
    """
    for span in spans_of(case, case.got, "statement"):
        at_startup = all(span.start < exchange.started for exchange in case.got.exchanges)
        if span.how == "done" and at_startup and word_of(span) in ("drop", "truncate", "delete"):
            return Finding(
                span.line,
                f"{at_line(span.line)} throws away what is in the database, each time the app "
                "starts. Data outlives the process that wrote it.",
            )
    return None


@rule("not-committed")
@about_databases
def not_committed(case: Case) -> Finding | None:
    """Something is written in a transaction that is never committed.

    Until the commit only this connection sees the change. When the connection is given back or
    closed, the server undoes it, though the answer said that it was done.

    Instead: `async with connection.transaction():`, which commits at its end, and takes
    everything back after an error. Or `await session.commit()` before the answer.
    """
    for transaction in spans_of(case, case.got, "transaction"):
        if transaction.how == "done":
            continue
        for span in _within(case, transaction):
            exchange = owner_of(case.got, span)
            is_done = span.how == "done" and not _is_repeated(case, span)
            if is_done and writes(span) and _is_accepted(case, exchange):
                return Finding(
                    span.line,
                    f"{at_line(span.line)} writes in a transaction that is never committed. The "
                    "answer says that it is done, and when the connection is given back or closed, "
                    "the server undoes it all. Which line opens that transaction?",
                )
    return None


@rule("answered-before-commit", "status", "body", "connections", "readings")
@about_databases
def answered_before_commit(case: Case) -> Finding | None:
    """The client is told that something is stored before it is committed.

    A commit can fail: a constraint that is deferred is checked there, a connection breaks. Then
    the client has its 201, and the database has nothing.

    Instead: commit first, then answer. A transaction in a dependency with `yield` ends before the
    answer with `Depends(transaction, scope="function")`; by default it ends after it.
    """
    for ours, theirs in case.exchanges():
        accepted = ours.status is not None and ours.status < 300
        if not accepted or still_at_work(case.expected, theirs):
            continue
        late = [
            span
            for span in still_at_work(case.got, ours)
            if span.kind == "transaction" and _is_missed(case, ours, theirs, span)
        ]
        if late:
            return Finding(
                late[0].line or ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered with {ours.status} "
                "before its transaction is committed. If the commit fails, the client has been "
                "told something that isn't true. What ends the transaction, and when?",
            )
    return None


def _is_missed(case: Case, ours: Exchange, theirs: Exchange, transaction: Span) -> bool:
    """Whether its commit should have come first: it fails, or a later answer is wrong."""
    if ours.responded is None or not any(map(writes, _within(case, transaction))):
        return False
    if transaction.how != "done":
        return ours.status != theirs.status
    wrong = [one.started for one, its in case.exchanges() if differ(one, its)]
    is_between = any(ours.responded < start < transaction.end for start in wrong)
    return is_between or case.is_about("connections")


@rule("closed-too-late", "connections")
@about_databases
def given_back_late(case: Case) -> Finding | None:
    """Finds it where a connection goes back to its pool when the answer is out."""
    for ours, theirs in case.exchanges():
        late = ticks_after_answer(ours)
        if late and not ticks_after_answer(theirs):
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} isn't over when its answer is "
                f"complete: it keeps its connection for another {in_seconds(late)}. By default, "
                "what follows the `yield` of a dependency runs after the answer. Which scope ends "
                "sooner?",
            )
    return None


def _within(case: Case, transaction: Span) -> Iterator[Span]:
    for span in spans_of(case, case.got, "statement"):
        mine = span.resource == transaction.resource
        if mine and transaction.start <= span.start <= transaction.end:
            yield span


def _is_repeated(case: Case, statement: Span) -> bool:
    """Whether its request has carried it out once more, later."""
    return any(
        span.start > statement.start
        and (span.exchange, text_of(span)) == (statement.exchange, text_of(statement))
        for span in spans_of(case, case.got, "statement")
    )


def _is_accepted(case: Case, number: int | None) -> bool:
    return number is not None and 200 <= (case.got.exchanges[number].status or 500) < 300


@rule("not-stored", "readings", "body", "status")
@about_databases
def not_stored(case: Case) -> Finding | None:
    """The answer says that something is stored, and nothing was written to the database.

    What lives in the memory of one process is gone when that ends, and no other process sees it.

    Instead: `insert` or `update` it, and answer with what the database returns.
    """
    if case.got.readings == case.expected.readings or not case.got.readings:
        return None
    if any(writes(span) for span in spans_of(case, case.got, "statement")):
        return None
    for ours, theirs in case.exchanges():
        changes = [s for s in statements_of(case, case.expected, theirs) if writes(s)]
        if changes and _is_accepted(case, ours.number):
            return Finding(
                ours.line,
                f"{ours.method} {ours.path}{of_line(ours.line)} is answered with {ours.status} as "
                "if all were well, and nothing was written to the database. What lives in the "
                "memory of one process is gone when that ends, and no other process ever sees it.",
            )
    return None


@rule("lost-update", "readings", "body", "arguments")
@about_databases
def lost_update(case: Case) -> Finding | None:
    """Two requests read a row, and both write it back.

    The second writes what it had read, so that the first one's change is gone. Both clients have
    an answer that says that theirs is done.

    Instead: let the database do it in one step, as in
    `update items set price = price + 1`; or lock the row while you change it:
    `select ... for update`, in a transaction.
    """
    if _leave_the_same(case.got, case.expected) or _has_refused(case):
        return None
    for one, other in _pairs(case):
        reads, write = _first(one, *_READS), _first(one, "update")
        if reads and write and _reads_before(other, write) and _writes_after(other, reads):
            if not _stores_rightly_in_turn(case):
                return None
            return Finding(
                write.line,
                f"{at_line(write.line)} writes back a row that two requests have read"
                f"{of_line(reads.line)} before either of them wrote. The second puts back what it "
                "had read, and the first one's change is gone. How can the two be one step?",
            )
    return None


@rule("conflict-not-retried")
@about_databases
def conflict_not_retried(case: Case) -> Finding | None:
    """The database refuses a transaction because of another one, and the client gets the error.

    At strict isolation levels, and when two transactions wait for each other, the server stops
    one of them and takes all of it back. It expects that you begin it again.

    Instead: run the whole transaction again, a few times at most; or keep the two apart, with
    locks that are always taken in the same order.
    """
    for exchange in case.got.exchanges:
        error = exchange.raised or exchange.handled
        if error is not None and any(words in error.text for words in _CONFLICTS):
            said = error.text.strip().splitlines()[0][:100]
            return Finding(
                error.line,
                f"{at_line(error.line)} is refused by the database ({said}): "
                "another request used the same rows at the same time. The server undoes all that "
                "this transaction did, and leaves it to you to run it again.",
            )
    return None


def _stores_rightly_in_turn(case: Case) -> bool:
    """Whether the same requests, one by one, leave in the database what they should."""
    alone = one_by_one(case.scenario)
    if alone is None:
        return False
    return _leave_the_same(*case.replay(alone))


def _has_refused(case: Case) -> bool:
    """Whether a request whose change should be stored isn't done: then that change is missing."""
    return any(
        (theirs.status or 500) < 400 <= (ours.status or 500) for ours, theirs in case.exchanges()
    )


def _leave_the_same(got: Trace, expected: Trace) -> bool:
    """Whether two plays leave the same rows, or documents but for the `_id` that is drawn."""
    return _stored(got) == _stored(expected)


def _stored(trace: Trace) -> dict[str, Any]:
    return {name: _without_ids(rows) for name, rows in trace.readings.items()}


def _without_ids(rows: Any) -> Any:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return rows
    return [{key: value for key, value in row.items() if key != "_id"} for row in rows]


_CONFLICTS = ("could not serialize access", "deadlock detected", "could not obtain lock")


def _pairs(case: Case) -> Iterator[tuple[list[Span], list[Span]]]:
    each = (statements_of(case, case.got, exchange) for exchange in case.got.exchanges)
    return combinations(each, 2)


_READS = ("select", "find")
"""First words of statements and commands that read."""


def _first(spans: list[Span], *words: str) -> Span | None:
    return next((span for span in spans if word_of(span) in words and span.how == "done"), None)


def _reads_before(others: list[Span], write: Span) -> bool:
    read = _first(others, *_READS)
    return read is not None and read.end.tick < write.end.tick


def _writes_after(others: list[Span], read: Span) -> bool:
    write = _first(others, "update")
    return write is not None and read.end.tick <= write.start.tick


@rule("query-per-row", "elapsed", "calls", OUTCOME)
@about_databases
def query_per_row(case: Case) -> Finding | None:
    """One answer takes a query for each row.

    Every query is a round trip to the server. Ten rows make eleven of them, a thousand rows a
    thousand and one. `executemany` saves the round trips, and still has a statement carried out
    for each row.

    Instead: one query: with a join, or `where id = any($1)`. For many rows to be stored:
    `insert ... select * from unnest($1::int[], $2::text[])`, or COPY.
    """
    for ours, _ in case.exchanges():
        mine = statements_of(case, case.got, ours)
        for text, count in _carried_out(mine).most_common(1):
            line = next(span.line for span in mine if _shape(span) == text)
            if _is_one_for_each_row(mine, text, count):
                return Finding(
                    line,
                    f"{at_line(line)} asks the database {count} times for one answer, once for "
                    "each row. Each is a round trip to the server. Could it be one query?",
                )
            if count > 1 and count == _number_sent(case.sent(ours)):
                return Finding(
                    line,
                    f"{at_line(line)} has its statement carried out {count} times, once for each "
                    "item of the list that was sent. Could it be one statement for all of them?",
                )
    return None


def _carried_out(spans: list[Span]) -> Counter[str]:
    """How often each statement was carried out."""
    counted: Counter[str] = Counter()
    for span in spans:
        counted[_shape(span)] += span.times
    return counted


def _is_one_for_each_row(spans: list[Span], shape: str, count: int) -> bool:
    """Whether a statement was carried out once for each row that another had found."""
    return count > 1 and any(s.count == count for s in spans if _shape(s) != shape)


def _number_sent(body: bytes) -> int:
    """How many elements there are in a list that a client sends."""
    sent = json_in(body)
    return len(sent) if isinstance(sent, list) else 0


def _shape(statement: Span) -> str:
    """A statement's text without its numbers: the same question about another row."""
    return re.sub(r"\d+", "0", text_of(statement))


@rule("queries-in-turn", "elapsed", "calls")
@about_databases
def queries_in_turn(case: Case) -> Finding | None:
    """Queries that don't need each other wait for each other.

    Each is a round trip to the server, and the times add up.

    Instead: a task for each, with a connection for each (one connection carries out one
    statement at a time); or one statement that asks for everything.
    """
    for ours, theirs in case.exchanges():
        should = statements_of(case, case.expected, theirs)
        mine = statements_of(case, case.got, ours)
        if _any_overlap(should) and len(mine) > 1 and not _any_overlap(mine):
            lines = [span.line for span in mine]
            return Finding(
                mine[0].line,
                f"{at_lines(lines, 'wait')} for each query before "
                "the next one starts. None of them needs what another returns, so they could be "
                "under way at the same time.",
            )
    return None


def _any_overlap(spans: list[Span]) -> bool:
    return any(overlap(one, other) for one, other in combinations(spans, 2))


@rule("needless-query", "elapsed", "calls", general=True)
@about_databases
def needless_query(case: Case) -> Finding | None:
    """An answer takes more queries than it needs.

    Each one is a round trip to the server, and holds a connection that others wait for.

    Instead: `insert ... returning id` gives what was written, and `delete ... returning id` says
    whether there was anything.
    """
    for ours, theirs in case.exchanges():
        mine = statements_of(case, case.got, ours)
        should = statements_of(case, case.expected, theirs)
        late = (done(ours) or 0) > (done(theirs) or 0)
        slow = late or case.is_about("calls")
        if slow and ours.status == theirs.status and len(mine) > len(should) > 0:
            lines = [span.line for span in mine]
            return Finding(
                mine[0].line,
                f"{at_lines(lines, 'ask')} the database {len(mine)} times for one "
                f"answer to {ours.method} {ours.path}, where {len(should)} would do. Each is "
                "a round trip to the server, and holds a connection that others wait for.",
            )
    return None
