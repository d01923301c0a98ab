"""Rules about databases: what they are silent about. What they say is in the bank."""

from __future__ import annotations

from typing import Any

import pytest

from grader import get, post, postgres, scenario, takes, upstream
from grader.judge.aspects.answers import answers, sorted_elapsed, statuses
from grader.judge.diagnoses import RULES, Case, diagnose
from grader.judge.diagnoses.case import Replay
from grader.judge.diagnoses.relayed import owner_of
from grader.model.scenarios import Scenario
from grader.model.trace import (
    Ending,
    Exchange,
    Failure,
    Moment,
    Outcome,
    Span,
    SpanKind,
    Trace,
    to_ticks,
)

OURS = [
    rule
    for rule in RULES
    if rule.look.__module__.endswith((".databases", ".connections", ".exhaustion"))
]

DATABASE = scenario(get("/items"), get("/items", at=1), dsn=postgres())


def at(seconds: float, order: int = 0) -> Moment:
    return Moment(to_ticks(seconds), order or to_ticks(seconds) + 1)


def span(
    kind: SpanKind, start: float, end: float, how: Ending = "done", text: str = "", **facts: Any
) -> Span:
    facts = {"name": "dsn", "line": 7, "exchange": 0, "resource": 1, "task": "task 1", **facts}
    arguments = (text, 0) if text else ()
    return Span(kind=kind, start=at(start), end=at(end), how=how, arguments=arguments, **facts)


def exchange(number: int = 0, start: float = 0, end: float | None = 1, **facts: Any) -> Exchange:
    facts = {"method": "GET", "path": "/items", "status": None if end is None else 200, **facts}
    over = None if end is None else at(end)
    return Exchange(number=number, started=at(start), completed=over, returned=over, **facts)


def trace(*parts: Exchange | Span, outcome: str = "finished", **facts: Any) -> Trace:
    return Trace(
        outcome=Outcome(outcome),  # type: ignore[arg-type]
        exchanges=tuple(part for part in parts if isinstance(part, Exchange)),
        spans=tuple(part for part in parts if isinstance(part, Span)),
        **facts,
    )


def no_replay(_: Scenario) -> tuple[Trace, Trace]:
    raise AssertionError("nothing here is worth a second play")


def said(
    got: Trace,
    expected: Trace,
    of: Scenario = DATABASE,
    aspect: Any = answers,
    replay: Replay = no_replay,
) -> list[str]:
    case = Case(got, expected, of, aspect, replay)
    return [found.id for found in (rule(case) for rule in OURS) if found is not None]


FINE = trace(exchange(), exchange(1, 1, 2), readings={"q": []})

TERRIBLE = trace(
    exchange(raised=Failure("InterfaceError", "another operation is in progress", 7), end=3),
    exchange(1, 1, 2),
    span("transaction", 0, 3, "failed"),
    span("statement", 0, 1, text="insert into items"),
    span("statement", 1, 2, text="drop table items", resource=2),
    readings={"q": [1]},
)


def test_terrible_things_are_told_of_a_database() -> None:
    """The trace is as bad as the tests below need it."""
    told = said(TERRIBLE, FINE, replay=lambda _: (FINE, FINE))
    assert {"two-connections-per-request", "not-committed", "shared-connection"} <= set(told)


@pytest.mark.parametrize(
    "elsewhere",
    [scenario(get("/items")), scenario(dsn=takes(1)), scenario(dsn=upstream({}))],
    ids=["no collaborator", "a function", "an upstream"],
)
def test_nothing_is_said_where_there_is_no_database(elsewhere: Scenario) -> None:
    assert said(TERRIBLE, FINE, elsewhere) == []


def waiting(name: str, *others: Span) -> Trace:
    """A request that waits for ever, with a connection that was used by another."""
    wait = Span(kind="wait", name=name, start=at(1), end=at(2), how="open", line=9, exchange=1)
    used = span("connection", 0, 2, "open"), span("statement", 0, 1, text="select 1")
    return trace(exchange(), exchange(1, 1, None), wait, *used, *others, outcome="stuck")


@pytest.mark.parametrize("name", ["Lock.acquire", "Event.wait", "Queue.get", "sleep", "Future"])
def test_wait_for_something_of_asyncio_is_not_for_a_connection(name: str) -> None:
    assert said(waiting(name), FINE) == []


def test_wait_for_a_statement_is_not_for_a_connection() -> None:
    mine = span("statement", 1, 2, "open", "select 2", exchange=1)
    assert said(waiting("Connection.fetchrow", mine), FINE) == []


def test_wait_while_others_are_at_work_is_not_in_vain() -> None:
    """A pool that has much to do is late, and has lost nothing."""
    others = span("statement", 1, 3, "open", "select 2", resource=2)
    assert said(waiting("Pool._acquire", others), FINE) == []


def test_transaction_that_was_begun_anew_is_committed() -> None:
    """A transaction that the server refuses is rolled back, and the next one counts."""
    text = "update items set price = 1"
    twice = trace(
        exchange(),
        span("transaction", 0, 0.4, "failed"),
        span("statement", 0.1, 0.2, text=text),
        span("transaction", 0.5, 0.9),
        span("statement", 0.6, 0.7, text=text),
    )
    assert "not-committed" not in said(twice, FINE)


def test_failed_request_may_roll_back() -> None:
    refused = trace(
        exchange(status=404),
        span("transaction", 0, 0.9, "failed"),
        span("statement", 0.1, 0.2, text="update items set price = 1"),
    )
    assert said(refused, FINE) == []


def test_connection_in_use_by_the_same_request_is_not_shared() -> None:
    """It is used twice at once by the one that has it."""
    failure = Failure("InterfaceError", "another operation is in progress", 7)
    alone = trace(exchange(raised=failure, status=500, end=0.5), exchange(1, 1, 2))
    assert said(alone, FINE) == ["concurrent-operations"]


def test_second_connection_of_another_task_is_a_query_at_the_same_time() -> None:
    """Two tasks of a request may have a connection each."""
    at_once = trace(
        exchange(end=1.5),
        span("transaction", 0, 1),
        span("statement", 0.1, 0.9, text="select 1"),
        span("transaction", 0, 1, resource=2, task="task 2"),
        span("statement", 0.1, 0.9, text="select 2", resource=2, task="task 2"),
    )
    assert "two-connections-per-request" not in said(at_once, trace(exchange()))


def test_query_that_only_looks_like_another_is_not_one_per_row() -> None:
    """As many questions as rows, and not as many questions by chance."""
    asked = [span("statement", n, n + 1, text=f"select {n}", count=1) for n in range(3)]
    late = trace(exchange(end=3), *asked)
    told = said(late, trace(exchange(), asked[0]), aspect=sorted_elapsed)
    assert told == ["needless-query"]


def test_quotes_that_nobody_sent_are_no_injection() -> None:
    """A replay without quotes is worth it only if there are some."""
    plain = scenario(post("/items", json={"name": "violet-lamp"}), dsn=postgres())
    pasted = trace(exchange(), span("statement", 0, 1, text="insert 'violet-lamp'"))
    assert "sql-injection" not in said(pasted, FINE, plain)


# Whose connection it is


def test_span_of_a_thread_belongs_to_the_only_request_under_way() -> None:
    in_thread = span("connection", 1.5, 1.8, exchange=None)
    assert owner_of(trace(exchange(), exchange(1, 1.2, 2)), in_thread) == 1


def test_span_of_a_thread_belongs_to_nobody_if_it_could_be_anybodys() -> None:
    in_thread = span("connection", 1.5, 1.8, exchange=None)
    assert owner_of(trace(exchange(end=2), exchange(1, 1.2, 2)), in_thread) is None


@pytest.mark.parametrize(
    ("statement", "writes"),
    [
        ("with dear as (select id from items) select id from dear", False),
        ("with dear as (select id from items for update) select id from dear", False),
        ("with new as (insert into items values (1) returning id) select id from new", True),
        ("with dear as (select 1 as id) update items i set price = 2 from dear", True),
    ],
)
def test_statement_that_begins_with_with_writes_if_a_part_of_it_does(
    statement: str, writes: bool
) -> None:
    got = trace(
        exchange(), span("transaction", 0, 1, "failed"), span("statement", 0, 1, text=statement)
    )
    assert ("not-committed" in said(got, FINE)) == writes


@pytest.mark.parametrize(("status", "is_told"), [(409, False), (503, True)])
def test_pool_is_too_large_only_where_it_serves_what_should_be_refused(
    status: int, is_told: bool
) -> None:
    def played(connections: int, other: int) -> Trace:
        return trace(
            exchange(0),
            exchange(1),
            exchange(2, status=other),
            *(
                span("connection", 0, 9, "open", resource=n, exchange=None)
                for n in range(connections)
            ),
            *(span("statement", 0.1, 0.9, resource=n, exchange=n) for n in range(connections)),
        )

    crowd = scenario(*(get("/items") for _ in range(3)), dsn=postgres())
    got, expected = played(3, 200), played(1, status)
    found = said(got, expected, crowd, statuses, lambda _: (got, expected))
    assert ("pool-too-large" in found) is is_told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("User() argument after ** must be a mapping, not NoneType", "no such row."),
        ("User() argument after ** must be a mapping, not list", "and `fetchrow` one row."),
        ("object of type 'int' has no len()", "even a single one: `(id,)`."),
        ('syntax error at or near "%"', "`%s` is how psycopg writes it."),
        ("the query has 0 placeholders but 1 parameters were passed", "how asyncpg writes it."),
        ("invalid input for $4: {} (expected str, got dict)", "has a codec for it."),
    ],
)
def test_error_of_a_driver_is_told_with_what_the_driver_wants(text: str, told: str) -> None:
    got = trace(exchange(status=500, raised=Failure("TypeError", text, 7)))
    case = Case(got, trace(exchange()), scenario(get("/items")), answers, no_replay)
    [diagnosis] = diagnose(case)
    assert diagnosis.id == "raised"
    assert diagnosis.text.endswith(told)


def test_calls_for_what_should_have_been_refused_are_not_too_many() -> None:
    def played(*refused: int) -> Trace:
        calls = [span("call", 0, 1, name="load", exchange=n) for n in {0, 1} - {*refused}]
        headers = (("retry-after", "1"),)
        no = [exchange(n, end=0, status=503, headers=headers) for n in refused]
        return trace(*(exchange(n) for n in {0, 1} - {*refused}), *no, *calls)

    crowd = scenario(get("/items"), get("/items"), load=takes(1))
    case = Case(played(), played(1), crowd, answers, lambda _: (played(), played(1)))
    assert [diagnosis.id for diagnosis in diagnose(case)] == ["not-refused"]
