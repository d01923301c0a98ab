"""Databases: the statements that went to one, and what became of what they wrote."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...model.details import CutShort
from ...model.report import Diagnosis
from ...model.scenarios import Request, Scenario
from ...model.trace import Span, Trace
from .case import Case, at_line, done, lines_in_words, overlap
from .relayed import about_databases, owner_of, spans_of, statements_of

WRITING = ("insert", "update", "delete", "merge", "copy", "with")
"""First words of statements that write, or may."""


@about_databases
def blocked_by_driver(case: Case) -> Iterable[Diagnosis]:
    """The loop's own thread sleeps until the database answers, which the same loop relays."""
    outcome = case.got.outcome
    if outcome.kind == "stuck" and isinstance(outcome.detail, CutShort) and outcome.line:
        yield Diagnosis(
            "loop-blocked",
            outcome.line,
            f"{at_line(outcome.line)} blocks the event loop: it waits for an answer without an "
            "`await`, and until that comes nobody else gets on, whatever they wait for. (Here it "
            "never comes: the grader's database needs the event loop, too.) Which drivers are "
            "made to be awaited, and where does FastAPI run one that is not?",
        )


@about_databases
def sql_injection(case: Case) -> Iterable[Diagnosis]:
    """With other names all would be well, and then the names are in the statement's text."""
    harmless = _without_quotes(case.scenario)
    if harmless == case.scenario:
        return
    got, expected = case.replay(harmless)
    pasted = next(_pasted(case, got, harmless), None)
    if pasted is not None and _is_right(case, got, expected):
        yield Diagnosis(
            "sql-injection",
            pasted.line,
            f"{at_line(pasted.line)} writes what the client sent into the text of the statement. "
            "The server cannot tell your SQL from the client's then, and a quote in a name is "
            "enough to say anything. How does a value travel beside the statement?",
        )


def _without_quotes(scenario: Scenario) -> Scenario:
    """The same requests, with nothing in their bodies that means something in SQL."""
    plain = tuple(
        msgspec.structs.replace(request, body=request.body.replace(b"'", b"").replace(b";", b""))
        if isinstance(request, Request)
        else request
        for request in scenario.requests
    )
    return msgspec.structs.replace(scenario, requests=plain)


def _pasted(case: Case, trace: Trace, scenario: Scenario) -> Iterator[Span]:
    """The statements that have in their text what a client sent."""
    requests = [request for request in scenario.requests if isinstance(request, Request)]
    values = [value for request in requests for value in _texts_in(request)]
    for span in spans_of(case, trace, "statement"):
        if any(value in _text(span) for value in values):
            yield span


def _texts_in(request: Request) -> Iterator[str]:
    """What a client sent that could only come into a statement by being pasted there."""
    try:
        body: Any = json.loads(request.body)
    except ValueError:
        return
    values = body.values() if isinstance(body, dict) else ()
    yield from (value for value in values if isinstance(value, str) and len(value) > 5)


def _is_right(case: Case, got: Trace, expected: Trace) -> bool:
    """Whether the check would hold for these two."""
    if got.outcome.kind != "finished":
        return False
    return case.aspect is None or case.aspect(got) == case.aspect(expected)


@about_databases
def table_emptied(case: Case) -> Iterable[Diagnosis]:
    """What was in the database is thrown away when the app starts."""
    for span in spans_of(case, case.got, "statement"):
        at_startup = all(span.start < exchange.started for exchange in case.got.exchanges)
        if span.how == "done" and at_startup and _word(span) in ("drop", "truncate", "delete"):
            yield Diagnosis(
                "table-emptied",
                span.line,
                f"{at_line(span.line)} throws away what is in the database, each time the app "
                "starts. Data outlives the process that wrote it; what is there when yours "
                "begins belongs to somebody. What does your app have to find, and what to make?",
            )
            return


@about_databases
def not_committed(case: Case) -> Iterable[Diagnosis]:
    """The answer says that something was written, and its transaction was not committed."""
    for transaction in spans_of(case, case.got, "transaction"):
        if transaction.how == "done":
            continue
        for span in _within(case, transaction):
            exchange = owner_of(case.got, span)
            done = span.how == "done" and not _is_repeated(case, span)
            if done and _word(span) in WRITING and _is_accepted(case, exchange):
                yield Diagnosis(
                    "not-committed",
                    span.line,
                    f"{at_line(span.line)} writes within a transaction that nobody commits. The "
                    "answer says that it is done; when the connection is given back or closed, "
                    "the server takes it all back. Who opened that transaction, and what ends it?",
                )
                return


def _within(case: Case, transaction: Span) -> Iterator[Span]:
    for span in spans_of(case, case.got, "statement"):
        mine = span.resource == transaction.resource
        if mine and transaction.start <= span.start <= transaction.end:
            yield span


def _is_repeated(case: Case, statement: Span) -> bool:
    """Whether its request has carried it out once more, later."""
    return any(
        span.start > statement.start
        and (span.exchange, _text(span)) == (statement.exchange, _text(statement))
        for span in spans_of(case, case.got, "statement")
    )


def _is_accepted(case: Case, number: int | None) -> bool:
    return number is not None and 200 <= (case.got.exchanges[number].status or 500) < 300


@about_databases
def not_stored(case: Case) -> Iterable[Diagnosis]:
    """The answers tell of changes, and none was ever sent to the database."""
    if case.got.readings == case.expected.readings or not case.got.readings:
        return
    if any(_word(span) in WRITING for span in spans_of(case, case.got, "statement")):
        return
    for ours, theirs in case.exchanges():
        changes = [s for s in statements_of(case, case.expected, theirs) if _word(s) in WRITING]
        if changes and _is_accepted(case, ours.number):
            yield Diagnosis(
                "not-stored",
                None,
                f"{ours.method} {ours.path} is answered with {ours.status} as if all were well, "
                "and nothing was written to the database. What lives in the memory of one "
                "process is gone when that ends, and no other process ever sees it. Where is "
                "what you were given?",
            )
            return


@about_databases
def lost_update(case: Case) -> Iterable[Diagnosis]:
    """Two requests read the same row before either has written it."""
    if case.got.readings == case.expected.readings:
        return
    for one, other in _pairs(case):
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


@about_databases
def conflict_not_retried(case: Case) -> Iterable[Diagnosis]:
    """The server has refused a transaction because of another one, and that was the end of it."""
    for exchange in case.got.exchanges:
        error = exchange.raised
        if error is not None and any(words in error.text for words in _CONFLICTS):
            yield Diagnosis(
                "conflict-not-retried",
                error.line,
                f"{at_line(error.line)} is refused ({error.text.strip()[:100]}): another request "
                "was at the same rows at the same time. The server takes back all that this "
                "transaction did, and leaves it to you to begin it anew. Who does, or how can "
                "the two stay out of each other's way?",
            )
            return


_CONFLICTS = ("could not serialize access", "deadlock detected")


def _pairs(case: Case) -> Iterator[tuple[list[Span], list[Span]]]:
    each = [statements_of(case, case.got, exchange) for exchange in case.got.exchanges]
    return ((a, b) for at, a in enumerate(each) for b in each[at + 1 :])


def _first(spans: list[Span], word: str) -> Span | None:
    return next((span for span in spans if _word(span) == word and span.how == "done"), None)


def _reads_before(others: list[Span], write: Span) -> bool:
    read = _first(others, "select")
    return read is not None and read.end.tick <= write.start.tick


def _writes_after(others: list[Span], read: Span) -> bool:
    write = _first(others, "update")
    return write is not None and read.end.tick <= write.start.tick


@about_databases
def query_per_row(case: Case) -> Iterable[Diagnosis]:
    if not case.is_about("elapsed"):
        return
    for ours, _ in case.exchanges():
        mine = statements_of(case, case.got, ours)
        repeated = Counter(_shape(span) for span in mine).most_common(1)
        if repeated and _is_one_for_each_row(mine, *repeated[0]):
            text, count = repeated[0]
            line = next(span.line for span in mine if _shape(span) == text)
            yield Diagnosis(
                "query-per-row",
                line,
                f"{at_line(line)} asks the database {count} times for one answer, once for each "
                "row. Every question is a journey there and back. Could it be one question?",
            )
            return


def _is_one_for_each_row(spans: list[Span], shape: str, count: int) -> bool:
    """Whether a statement was carried out once for each row that another had found."""
    return count > 1 and any(s.count == count for s in spans if _shape(s) != shape)


def _shape(statement: Span) -> str:
    """A statement's text without its numbers: the same question about another row."""
    return re.sub(r"\d+", "0", _text(statement))


@about_databases
def queries_in_turn(case: Case) -> Iterable[Diagnosis]:
    """Queries of one request that need not wait for each other, and do."""
    for ours, theirs in case.exchanges():
        should = statements_of(case, case.expected, theirs)
        mine = statements_of(case, case.got, ours)
        if _any_overlap(should) and len(mine) > 1 and not _any_overlap(mine):
            lines = lines_in_words(span.line for span in mine)
            yield Diagnosis(
                "queries-in-turn",
                mine[0].line,
                f"{lines} wait for each query before the next one starts. None needs what another "
                "returns. What would it take for them to be under way at the same time?",
            )
            return


def _any_overlap(spans: list[Span]) -> bool:
    return any(overlap(a, b) for at, a in enumerate(spans) for b in spans[at + 1 :])


@about_databases
def needless_query(case: Case) -> Iterable[Diagnosis]:
    """More statements for an answer than it takes, where that is what it is late by."""
    if not case.is_about("elapsed"):
        return
    for ours, theirs in case.exchanges():
        mine = statements_of(case, case.got, ours)
        should = statements_of(case, case.expected, theirs)
        late = (done(ours) or 0) > (done(theirs) or 0)
        if late and ours.status == theirs.status and len(mine) > len(should) > 0:
            lines = lines_in_words(span.line for span in mine)
            several = lines.startswith("Lines")
            yield Diagnosis(
                "needless-query",
                mine[0].line,
                f"{lines} {'ask' if several else 'asks'} the database {len(mine)} times for one "
                f"answer to {ours.method} {ours.path}, where {len(should)} would do. Every "
                "question is a journey there and back, and holds a connection that others wait "
                "for. What does each of them add?",
            )
            return


def _text(statement: Span) -> str:
    return str(statement.arguments[0]) if statement.arguments else ""


def _word(statement: Span) -> str:
    return _text(statement).strip().partition(" ")[0].split("\n")[0].lower()
