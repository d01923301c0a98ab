"""The checks of day 53. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import msgspec
import pytest

import grader
from grader import Fault, connects, delete, get, in_turn, post, postgres, put, rows, scenario, times
from grader.course.catalog import lesson, tables
from grader.judge.aspects import (
    answer_of,
    answers,
    arguments,
    arguments_of,
    aspect,
    at_most_open,
    body_holds,
    call_counts,
    call_endings,
    cancellations,
    elapsed,
    endings_of,
    left_open,
    left_running,
    line_moments,
    logged,
    media_types,
    mentions,
    order_of_work,
    readings,
    resources,
    sorted_elapsed,
    statuses,
)
from grader.judge.compare import assert_same, exercise
from grader.judge.players import Subject
from grader.judge.samples import SampleData
from grader.model.scenarios import Scenario, Takes
from grader.model.trace import Exchange, Trace

Both = dict[str, Subject]

# What the factories are handed takes no arguments; the work of exercise 5 takes the data.
takes = partial(grader.takes, parameters=())
fails = partial(grader.fails, parameters=())
blocks = partial(grader.blocks, parameters=())
works = partial(grader.takes, parameters=("data",))
breaks_down = partial(grader.fails, parameters=("data",))


@pytest.fixture
def both(learner: Subject, reference: Subject) -> Both:
    return {"learner": learner, "reference": reference}


# Exercise 1: basic async


@exercise(1)
def test_each_endpoint_answers(both: Both, draw: SampleData) -> None:
    """/users, /products, /orders and /compute answer as before, after the same time."""
    paths = ("/users", "/products", "/orders", "/compute", "/compute")
    one_by_one = scenario(
        *(get(path, at=10 * place) for place, path in enumerate(paths)),
        compute=blocks(2, draw.number()),
    )
    assert_same(contents, media_types, elapsed, of=one_by_one, **both)


@aspect("status", "body", say=answers.say)
def contents(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; what is in a list does not matter, only that it is there."""
    return tuple(
        (exchange.status, f'{{"{name}": [...]}}') if isinstance(value, list) else answer
        for exchange, answer in zip(trace.exchanges, answers(trace), strict=True)
        for name in [exchange.path.removeprefix("/")]
        for body in [exchange.json()]
        for value in [body.get(name) if isinstance(body, dict) else None]
    )


@exercise(1)
def test_hundred_users_take_one_second(both: Both) -> None:
    """A hundred requests at once to /users take as long as one of them."""
    hundred = scenario(times(100, get("/users")), compute=blocks(2))
    assert_same(statuses, elapsed, of=hundred, **both)


@exercise(1)
def test_other_endpoints_take_a_crowd(both: Both) -> None:
    """/products and /orders take a crowd as well, on a server that has two worker threads."""
    crowd = scenario(
        times(5, get("/products")), times(5, get("/orders")), compute=blocks(2), threads=2
    )
    assert_same(statuses, elapsed, of=crowd, **both)


@exercise(1)
def test_compute_delays_nobody(both: Both, draw: SampleData) -> None:
    """While /compute computes, /users is answered as fast as ever."""
    busy = scenario(
        get("/compute"), get("/users", at=0.1), get("/orders", at=0.2), compute=blocks(2, 7)
    )
    assert_same(statuses, elapsed, of=busy, **both)


# Exercise 2: concurrent operations


def _dashboard(draw: SampleData, delays: list[float], *requests: Any) -> Scenario:
    user, orders, stats = delays
    return scenario(
        *(requests or (get("/dashboard"),)),
        fetch_user=takes(user, draw.record()),
        fetch_orders=takes(orders, draw.records(3)),
        fetch_stats=takes(stats, draw.record()),
    )


@exercise(2)
def test_dashboard_holds_all_three(both: Both, draw: SampleData) -> None:
    """The dashboard holds the user, the orders and the stats, each under its name."""
    user, orders, stats = draw.delays(3)
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=10),
        fetch_user=takes(user, draw.record()),
        fetch_orders=in_turn(takes(orders, draw.records(3)), takes(orders, [])),
        fetch_stats=in_turn(takes(stats, draw.record()), takes(stats, {})),
    )
    assert_same(answers, of=two, **both)


@exercise(2)
def test_dashboard_overlaps_its_fetches(both: Both, draw: SampleData) -> None:
    """The dashboard takes as long as its slowest fetch, not as long as all of them together."""
    assert_same(elapsed, call_counts, of=_dashboard(draw, draw.shuffled(1, 2, 1.5)), **both)


@exercise(2)
def test_any_fetch_may_be_the_slowest(both: Both, draw: SampleData) -> None:
    """That holds whichever fetch is the slowest."""
    slow, quick = takes(2.5, draw.word()), takes(0.5, draw.word())
    in_three_ways = scenario(
        *(get("/dashboard", at=at) for at in (0, 10, 20)),
        fetch_user=in_turn(slow, quick, quick),
        fetch_orders=in_turn(quick, slow, quick),
        fetch_stats=in_turn(quick, quick, slow),
    )
    assert_same(elapsed, of=in_three_ways, **both)


@exercise(2)
def test_two_dashboards_at_once(both: Both, draw: SampleData) -> None:
    """Two dashboards at once hold their own data, and don't wait for each other."""
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=0.3),
        fetch_user=in_turn(takes(1, draw.record()), takes(0.5, draw.record())),
        fetch_orders=in_turn(takes(2, draw.records(1)), takes(1, draw.records(2))),
        fetch_stats=in_turn(takes(1.5, draw.record()), takes(2.5, draw.record())),
        order_seed=draw.number(),
    )
    assert_same(answers, elapsed, of=two, **both)


@exercise(2)
def test_failing_fetch_is_a_502(both: Both, draw: SampleData) -> None:
    """When a fetch fails, the answer is 502."""
    assert_same(statuses, of=_failing_dashboards(draw)[0], **both)


@exercise(2)
def test_failure_gives_nothing_away(both: Both, draw: SampleData) -> None:
    """The 502 does not give away the text of the error."""
    failing, secret = _failing_dashboards(draw)
    assert_same(statuses, mentions(secret), of=failing, **both)


@exercise(2)
def test_no_fetch_is_left_running(both: Both, draw: SampleData) -> None:
    """When a fetch has failed and the answer is out, no other fetch is still running."""
    assert_same(left_running, of=_failing_dashboards(draw)[0], **both)


@exercise(2)
def test_failure_harms_no_other_dashboard(both: Both, draw: SampleData) -> None:
    """A dashboard whose fetch fails harms no other that is under way."""
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=0.2),
        fetch_user=in_turn(fails(after=0.5, text=draw.secret()), takes(1, draw.record())),
        fetch_orders=takes(2, draw.records(2)),
        fetch_stats=takes(1, draw.record()),
    )
    assert_same(statuses, of=two, **both)


def _failing_dashboards(draw: SampleData) -> tuple[Scenario, str]:
    """Requests far apart, and the text of their errors.

    For each another fetch fails; at last one that the others precede.
    """
    shared = draw.shared()
    long, secret = takes(3, shared.record()), shared.secret()
    failing = scenario(
        *(get("/dashboard", at=at) for at in (0, 10, 20, 30)),
        fetch_user=in_turn(fails(0.5, "ConnectionError", secret), long, long, long),
        fetch_orders=in_turn(long, fails(0.5, "ValueError", secret), long, long),
        fetch_stats=in_turn(
            long, long, fails(0.5, "KeyError", secret), fails(3.5, "RuntimeError", secret)
        ),
    )
    return failing, secret


# Exercise 3: a database

DAY53 = lesson("day53")
TABLE = tables(DAY53, DAY53.exercise(3))
ROWS = "select id, name, price from items order by id"


def _shop(*requests: Any, **options: Any) -> Scenario:
    """Requests to an app whose table holds two items, and whose statements take 0.25 s."""
    options = {"statement": 0.25, "seed_sql": TABLE, "reads": [ROWS], **options}
    return scenario(*requests, dsn=postgres(**options))


@exercise(3, needs="postgres")
def test_items_are_created_and_read(both: Both, draw: SampleData) -> None:
    """POST makes an item and answers 201, GET finds it, alone and in the list of all."""
    one, other = ({"name": draw.word(), "price": draw.price()} for _ in range(2))
    in_a_row = _shop(
        post("/items", json=one),
        get("/items/3", at=1),
        get("/items", at=2),
        post("/items", json=other, at=3),
        get("/items", at=4),
        get("/items/1", at=5),
    )
    assert_same(answers_in_any_order, readings, of=in_a_row, **both)


@aspect("status", "body", say=answers.say)
def answers_in_any_order(trace: Trace) -> tuple[Any, ...]:
    """Each answer; a list of items says the same in whatever order it is."""
    exchanges = tuple(_with_items_sorted(exchange) for exchange in trace.exchanges)
    return answers(msgspec.structs.replace(trace, exchanges=exchanges))


def _with_items_sorted(exchange: Exchange) -> Exchange:
    body = exchange.json()
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        return exchange
    items = sorted(body, key=lambda item: json.dumps(item, sort_keys=True))
    chunk = msgspec.structs.replace(exchange.chunks[-1], body=json.dumps(items).encode())
    return msgspec.structs.replace(exchange, chunks=(chunk,))


@exercise(3, needs="postgres")
def test_items_are_changed_and_deleted(both: Both, draw: SampleData) -> None:
    """PUT changes what its body has, DELETE takes an item away; so it is in the database, too."""
    in_a_row = _shop(
        put("/items/1", json={"name": draw.word(), "price": draw.price()}),
        get("/items/2", at=1),
        get("/items", at=1.5),
        put("/items/2", json={"price": draw.price()}, at=2),
        delete("/items/1", at=3),
        get("/items/2", at=4),
        get("/items", at=5),
    )
    assert_same(answers, readings, of=in_a_row, **both)


@exercise(3, needs="postgres")
def test_list_is_in_the_order_of_ids(both: Both, draw: SampleData) -> None:
    """The list of all items is in the order of their ids, also after an update."""
    updated = _shop(
        get("/items"), put("/items/1", json={"price": draw.price()}, at=1), get("/items", at=2)
    )
    assert_same(order_of_ids, of=updated, **both)


@aspect("body", say=lambda ids: f"ids {', '.join(ids) or 'nothing'}", nothing="no list")
def order_of_ids(trace: Trace) -> tuple[tuple[str, ...], ...]:
    """The ids of each list, as it has them; what else is in it does not matter."""
    return tuple(
        tuple(str(item.get("id")) for item in body)
        for exchange in trace.exchanges
        for body in [exchange.json()]
        if isinstance(body, list) and all(isinstance(item, dict) for item in body)
    )


@exercise(3, needs="postgres")
def test_missing_items_are_not_found(both: Both) -> None:
    """An id that is not in the table is answered 404, for GET, PUT and DELETE."""
    missing = _shop(
        get("/items/99"), put("/items/99", json={"price": 1.5}, at=1), delete("/items/99", at=2)
    )
    assert_same(statuses, readings, of=missing, **both)


@exercise(3, needs="postgres")
def test_bad_bodies_are_refused(both: Both) -> None:
    """A body that does not fit is answered 422, and an id that is no number as well."""
    bodies: list[Any] = [{"name": "lamp"}, {"name": "lamp", "price": "dear"}, ["lamp", 20]]
    bad = _shop(
        *(post("/items", json=body, at=at) for at, body in enumerate(bodies)),
        put("/items/1", json={"price": "dear"}, at=4),
        get("/items/lamp", at=5),
    )
    assert_same(statuses, readings, of=bad, **both)


@exercise(3, needs="postgres")
def test_one_pool_serves_all(both: Both) -> None:
    """One pool is opened when the app starts. No request opens connections of its own."""
    assert_same(statuses, at_most_open(5), of=_six_apart(), **both)


def _six_apart() -> Scenario:
    return _shop(*(get("/items/1", at=place) for place in range(6)))


@exercise(3, needs="postgres")
def test_pool_is_closed_at_shutdown(both: Both) -> None:
    """When the app stops, the pool closes its connections."""
    assert_same(left_open, of=_six_apart(), **both)


@exercise(3, needs="postgres")
def test_twenty_requests_take_four_rounds(both: Both) -> None:
    """Twenty requests at once, on a pool of five, take as long as four."""
    crowd = _shop(times(20, get("/items/1")))
    assert_same(statuses, sorted_elapsed, at_most_open(5), of=crowd, **both)


@exercise(3, needs="postgres")
def test_list_takes_one_query(both: Both) -> None:
    """The list of all items takes as long as one query, however many there are."""
    chairs = "insert into items (name, price) select 'chair', 9 from generate_series(1, 28)"
    many = _shop(get("/items"), seed_sql=f"{TABLE};{chairs}")
    assert_same(answers_in_any_order, elapsed, of=many, **both)


@exercise(3, needs="postgres")
def test_failures_leak_no_connection(both: Both) -> None:
    """Statements that fail, and callers that leave, cost the pool no connection."""
    failing = Fault(does="fail", times=6, when="serving")
    trouble = _shop(
        *(get("/items/1", at=place) for place in range(6)),
        *(get("/items/2", at=10 + place, cancelled_at=0.1) for place in range(6)),
        get("/items/2", at=20),
        faults=[failing],
    )
    assert_same(answer_of(12), left_open, of=trouble, **both)


@exercise(3, needs="postgres")
def test_names_are_just_names(both: Both, draw: SampleData) -> None:
    """A name is just a name, whatever quotes and semicolons are in it."""
    nasty = f"{draw.word()}'); drop table items; --"
    names = _shop(
        post("/items", json={"name": nasty, "price": 1.5}),
        put("/items/2", json={"name": f"O'{draw.word()}"}, at=1),
        get("/items", at=2),
    )
    assert_same(answers_in_any_order, readings, of=names, **both)


@exercise(3, needs="postgres")
def test_items_made_at_once_are_told_apart(both: Both, draw: SampleData) -> None:
    """Each of several items that are made at once is answered with its own name and id."""
    items = [{"name": draw.word(), "price": draw.price()} for _ in range(3)]
    assert_same(items_answered, of=_shop(*(post("/items", json=item) for item in items)), **both)


@aspect("status", "body")
def items_answered(trace: Trace) -> tuple[str, ...]:
    """The item in each answer; which of them gets which id is open."""
    bodies = [exchange.json() for exchange in trace.exchanges]
    items = [body if isinstance(body, dict) else {} for body in bodies]
    ids = {json.dumps(item.get("id")) for item in items}
    names = (
        f"{exchange.status} {item.get('name')}"
        for exchange, item in zip(trace.exchanges, items, strict=True)
    )
    return (*names, f"{len(ids)} different ids")


@exercise(3, needs="postgres")
def test_two_updates_lose_nothing(both: Both, draw: SampleData) -> None:
    """Of two updates at once, one of the name and one of the price, none is lost."""
    at_once = _shop(
        put("/items/1", json={"name": draw.word()}), put("/items/1", json={"price": draw.price()})
    )
    assert_same(readings, of=at_once, **both)


# Exercise 4: error handling


def _external(*requests: Any, fetch: Any) -> Scenario:
    return scenario(*(requests or (get("/external"),)), fetch=fetch)


@exercise(4)
def test_value_is_passed_on(both: Both, draw: SampleData) -> None:
    """What the fetch returns is the answer, when it is there."""
    values = takes(1.5, draw.record()), takes(0.5, {})
    two = _external(get("/external"), get("/external", at=10), fetch=in_turn(*values))
    assert_same(answers, elapsed, of=two, **both)


@exercise(4)
def test_slow_fetch_is_a_504(both: Both) -> None:
    """A fetch that takes longer than 2 seconds is answered 504, after 2 seconds exactly."""
    assert_same(elapsed, statuses, of=_external(fetch=takes(5, "late")), **both)


@exercise(4)
def test_slow_fetch_is_cancelled(both: Both) -> None:
    """The fetch that took too long is cancelled, not abandoned."""
    assert_same(call_endings, of=_external(fetch=takes(5, "late")), **both)


@exercise(4)
def test_failing_fetch_is_502(both: Both, draw: SampleData) -> None:
    """A fetch that fails is answered 502, and not with the text of its error."""
    secret = draw.secret()
    kinds = ("ConnectionError", "ValueError", "RuntimeError", "KeyError", "ZeroDivisionError")
    failing = _external(
        *(get("/external", at=10 * place) for place in range(len(kinds))),
        fetch=in_turn(*(fails(after=0.5, type=kind, text=secret) for kind in kinds)),
    )
    assert_same(statuses, elapsed, mentions(secret), of=failing, **both)


@exercise(4)
def test_http_exception_keeps_its_status(both: Both) -> None:
    """An HTTPException that the fetch raises keeps its own status."""
    own = _external(
        get("/external"),
        get("/external", at=10),
        fetch=in_turn(*(fails(after=0.5, status=status, text="its own") for status in (404, 503))),
    )
    assert_same(statuses, of=own, **both)


@exercise(4)
def test_calls_share_no_budget(both: Both, draw: SampleData) -> None:
    """Two calls at once have two seconds each."""
    two = _external(
        get("/external"),
        get("/external", at=1.5),
        get("/external", at=1.9),
        fetch=in_turn(takes(5), takes(1.9, draw.record()), takes(1.5, draw.record())),
    )
    assert_same(statuses, elapsed, of=two, **both)


# Exercise 5: background tasks


def _process(draw: SampleData, *requests: Any, drain: float = 60, **options: Any) -> Scenario:
    requests = requests or (post("/process", json=draw.shared().record()),)
    return scenario(
        *requests,
        drain=drain,
        process=options.get("process", works(3)),
        order_seed=options.get("order_seed"),
    )


@exercise(5)
def test_accepted_at_once(both: Both, draw: SampleData) -> None:
    """The answer is 202 {"status": "accepted"}, complete at once."""
    assert_same(answers, elapsed, of=_process(draw), **both)


@exercise(5)
def test_work_begins_after_the_answer(both: Both, draw: SampleData) -> None:
    """The work begins after the complete answer, and it is done."""
    assert_same(order_of_work("process"), of=_process(draw), **both)


@exercise(5)
def test_work_gets_the_data(both: Both, draw: SampleData) -> None:
    """The work is given the data that came, and done once for each request."""
    twice, nested = draw.record(), {draw.word(): [1, {draw.word(): None}]}
    data: list[tuple[float, Any]] = [(0, twice), (0, nested), (0.5, twice), (0.5, {})]
    requests = [post("/process", json=each, at=at) for at, each in data]
    for order_seed in (None, draw.number()):
        work = _process(draw, *requests, order_seed=order_seed)
        assert_same(arguments, elapsed, of=work, **both)


@exercise(5)
def test_completion_is_logged(both: Both, draw: SampleData) -> None:
    """Completion is logged on the logger "day53"."""
    assert_same(logged("day53", after="process"), of=_process(draw), **both)


@exercise(5)
def test_failure_is_logged(both: Both, draw: SampleData) -> None:
    """Work that fails is logged on "day53" with its traceback, and other requests go on."""
    failing = _process(
        draw,
        post("/process", json=draw.record()),
        post("/process", json=draw.record(), at=1),
        process=in_turn(breaks_down(after=2, text=draw.secret()), works(2)),
    )
    assert_same(
        answers, logged("day53", after="process"), order_of_work("process"), of=failing, **both
    )


@exercise(5)
def test_only_objects_are_accepted(both: Both, draw: SampleData) -> None:
    """A body that is no JSON object is answered 422, and nothing is processed."""
    bodies = (b"[1, 2]", b'"a word"', b"3", b"null", b'{"name": ')
    requests = (
        post("/process", body=body, headers={"content-type": "application/json"}, at=10 * place)
        for place, body in enumerate(bodies)
    )
    assert_same(statuses, call_counts, of=_process(draw, *requests), **both)


@exercise(5)
def test_accepted_work_survives_shutdown(both: Both, draw: SampleData) -> None:
    """What has been accepted is finished, also when the server is asked to stop."""
    three = [post("/process", json=draw.record()) for _ in range(3)]
    work = in_turn(works(20), works(3), works(8))
    assert_same(order_of_work("process"), of=_process(draw, *three, drain=0, process=work), **both)


# Exercise 6: partial failures


def _aggregate(sources: dict[str, Any], *requests: Any) -> Scenario:
    return scenario(*(requests or (get("/aggregate"),)), sources=sources)


def _sources(draw: SampleData, failing: int, total: int = 4) -> dict[str, Takes]:
    kinds = ("ConnectionError", "ValueError", "TimeoutError", "RuntimeError", "KeyError")
    delays = draw.delays(total)
    return {
        draw.word(): fails(delays[n], draw.pick(*kinds), draw.secret())
        if n < failing
        else takes(delays[n], draw.record())
        for n in range(total)
    }


@exercise(6)
def test_all_results_by_name(both: Both, draw: SampleData) -> None:
    """Every result stands under the name of its source, whatever the order of finishing."""
    assert_same(answers, of=_aggregate(_sources(draw, failing=0)), **both)


@exercise(6)
def test_sources_are_asked_together(both: Both, draw: SampleData) -> None:
    """All sources are asked at once: the answer takes as long as the slowest of them."""
    count = 11 + draw.number() % 6  # drawn, so that no limit is just large enough
    sources = _sources(draw, failing=0, total=count) | {draw.word(): takes(8, draw.record())}
    assert_same(statuses, elapsed, of=_aggregate(sources), **both)


@exercise(6)
def test_one_failure_loses_nothing(both: Both, draw: SampleData) -> None:
    """One source that fails is named under "errors", and the others lose nothing."""
    assert_same(answers, elapsed, of=_aggregate(_sources(draw, failing=1)), **both)


@exercise(6)
def test_all_may_fail(both: Both, draw: SampleData) -> None:
    """When all fail, the answer names every failure."""
    assert_same(answers, elapsed, of=_aggregate(_sources(draw, failing=4)), **both)


@exercise(6)
def test_empty_results_are_results(both: Both, draw: SampleData) -> None:
    """A result that is 0, None or empty is a result like any other."""
    nothings: tuple[Any, ...] = (0, None, "", [], False)
    empty = {draw.word(): takes(0.5, nothing) for nothing in nothings}
    assert_same(answers, of=_aggregate(empty), **both)


@exercise(6)
def test_each_source_is_asked_once(both: Both, draw: SampleData) -> None:
    """No source is asked twice, and none goes on after the answer."""
    sources = _aggregate(_sources(draw, failing=2))
    assert_same(call_counts, left_running, of=sources, **both)


@exercise(6)
def test_aggregates_do_not_mix(both: Both, draw: SampleData) -> None:
    """Each request asks anew, gets an answer of its own, and waits for no other."""
    sources = {
        "steady": in_turn(*(takes(1, draw.word()) for _ in range(3))),
        "recovers": in_turn(fails(0.5, "ValueError", draw.secret()), takes(0.7, draw.word())),
        "breaks": in_turn(takes(0.5, draw.word()), fails(0.6, "KeyError", draw.secret())),
    }
    requests = (get("/aggregate", at=at) for at in (0, 0.2, 5))
    assert_same(answers, elapsed, of=_aggregate(sources, *requests), **both)


# Exercise 7: streaming


def _stream(draw: SampleData, *requests: Any, count: int = 5, every: float = 1) -> Scenario:
    values = draw.records(count) if count < 100 else range(count)
    return scenario(*(requests or (get("/stream"),)), read_rows=rows(values, every=every))


@exercise(7)
def test_rows_are_json_lines(both: Both, draw: SampleData) -> None:
    """Each row is a line of JSON, and the media type is application/x-ndjson."""
    many = _stream(draw, count=11 + draw.number() % 6, every=0.37)
    assert_same(statuses, media_types, rows_in_body, of=many, **both)


@aspect("body", "lines")
def rows_in_body(trace: Trace) -> tuple[str, ...]:
    """The rows of each body; how the JSON is spaced does not matter."""

    def row(line: bytes) -> str:
        try:
            return json.dumps(json.loads(line), sort_keys=True)
        except ValueError:
            return line[:60].decode("utf-8", "replace")

    return tuple(row(chunk.body) for e in trace.exchanges for chunk in e.lines())


@exercise(7)
def test_each_line_at_its_moment(both: Both, draw: SampleData) -> None:
    """Each line goes out at the moment that its row is there, and the last one is the end."""
    assert_same(line_moments, elapsed, of=_stream(draw), **both)


@exercise(7)
def test_slow_rows_are_waited_for(both: Both, draw: SampleData) -> None:
    """A row that takes half a minute is waited for."""
    assert_same(line_moments, of=_stream(draw, count=2, every=30), **both)


@exercise(7)
def test_thousand_rows_are_not_collected(both: Both, draw: SampleData) -> None:
    """The first of a thousand rows does not wait for the last."""
    first_five = get("/stream", hangs_up_after=5)
    assert_same(line_moments, of=_stream(draw, first_five, count=1000, every=0.01), **both)


@exercise(7)
def test_many_streams_at_once(both: Both, draw: SampleData) -> None:
    """Many streams at once don't wait for each other."""
    count = 11 + draw.number() % 6  # drawn, so that no limit is just large enough
    many = _stream(draw, *(get("/stream", at=n % 2 / 2) for n in range(count)))
    assert_same(line_moments, rows_in_body, of=many, **both)


@exercise(7)
def test_hang_up_ends_the_generator(both: Both, draw: SampleData) -> None:
    """A client that hangs up ends the generator at once."""
    after_three_lines = get("/stream", hangs_up_after=3)
    between_lines = get("/stream", hangs_up_at=2.5, at=20)
    two = _stream(draw, after_three_lines, between_lines, count=8)
    assert_same(call_endings, of=two, **both)


# Exercise 8: async context managers


def _query(*requests: Any, query: Takes, connect: float = 0.2) -> Scenario:
    requests = requests or (get("/query", query={"sql": "select 1"}),)
    return scenario(*requests, connect=connects(connect, query=query, close=0.1))


@exercise(8)
def test_rows_are_the_answer(both: Both, draw: SampleData) -> None:
    """The answer holds the rows of the query."""
    wanted = draw.records(3)
    holds_rows = body_holds("the rows", lambda body: _holds(body, wanted))
    assert_same(holds_rows, of=_query(query=takes(0.5, wanted)), **both)


def _holds(body: Any, wanted: Any) -> bool:
    return body == wanted or (isinstance(body, dict) and wanted in body.values())


@exercise(8)
def test_one_connection_a_request(both: Both, draw: SampleData) -> None:
    """Each request opens one connection and closes it once, when the rows have been read."""
    assert_same(call_counts, resources, of=_query(query=takes(0.5, draw.records(1))), **both)


@exercise(8)
def test_query_is_given_the_sql(both: Both, draw: SampleData) -> None:
    """The connection is given the SQL of the request."""
    sql = f"select * from {draw.word()} where a = 'b c'"
    asked = _query(get("/query", query={"sql": sql}), query=takes(0.5, []))
    assert_same(statuses, arguments_of("connect.query"), of=asked, **both)


@exercise(8)
def test_requests_share_no_connection(both: Both, draw: SampleData) -> None:
    """Requests at once have a connection each, and don't wait for each other."""
    twice = draw.word()
    asked = ((twice, 0), (draw.word(), 0.1), (draw.word(), 0.4), (twice, 2))
    four = _query(
        *(get("/query", query={"sql": sql}, at=at) for sql, at in asked),
        query=takes(0.5, draw.records(1)),
    )
    assert_same(statuses, call_counts, resources, of=four, **both)
    other_order = msgspec.structs.replace(four, order_seed=draw.number())
    assert_same(endings_of("connect.query"), of=other_order, **both)


@exercise(8)
def test_failing_query_is_502(both: Both, draw: SampleData) -> None:
    """A query that fails is answered 502: the context manager hides no exception."""
    secret = draw.shared().secret()
    for kind in ("RuntimeError", "KeyError"):
        failing = _query(query=fails(after=0.5, type=kind, text=secret))
        assert_same(statuses, mentions(secret), of=failing, **both)


@exercise(8)
def test_closed_when_the_query_fails(both: Both, draw: SampleData) -> None:
    """The connection is closed when the query fails, too."""
    secret = draw.shared().secret()
    failing = _query(query=fails(after=0.5, type="RuntimeError", text=secret))
    assert_same(resources, of=failing, **both)


@exercise(8)
def test_closed_when_cancelled(both: Both, draw: SampleData) -> None:
    """The connection is closed when the request is cancelled, and the cancellation goes on."""
    sql = {"sql": draw.word()}
    cancelled = _query(get("/query", query=sql, cancelled_at=0.4), query=takes(5, []))
    assert_same(resources, endings_of("connect.query"), cancellations, of=cancelled, **both)
