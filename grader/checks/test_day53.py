"""The checks of day 53. Each docstring is the sentence that the learner sees."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from grader.checks import (
    JSON,
    NOT_OBJECTS,
    Fault,
    Request,
    SampleData,
    Scenario,
    Takes,
    Trace,
    answer_of,
    answers,
    arguments,
    arguments_of,
    as_text,
    aspect,
    assert_same,
    at_most_open,
    blocks,
    body_holds,
    call_counts,
    call_endings,
    cancellations,
    connects,
    delete,
    elapsed,
    endings_of,
    ends_cancelled,
    exercise,
    fails,
    get,
    in_turn,
    kept_open,
    left_open,
    left_running,
    lesson,
    line_moments,
    logged,
    logged_as_done,
    media_types,
    mentions,
    order_of_work,
    pool_opened_by_request,
    post,
    postgres,
    put,
    readings,
    resources,
    rows,
    scenario,
    sorted_elapsed,
    spaced,
    statuses,
    tables,
    takes,
    times,
)

# What the factories are handed takes no arguments; the work of exercise 5 takes the data.
fetches = partial(takes, parameters=())
breaks = partial(fails, parameters=())
computes = partial(blocks, parameters=())
works = partial(takes, parameters=("data",))
breaks_down = partial(fails, parameters=("data",))


# Warm-up: one word, one line


@exercise(0)
def test_greeting_is_awaited(sample: SampleData) -> None:
    """/greeting answers with what `fetch_greeting()` returns."""
    assert_same(answers, elapsed, of=warm_up(sample, get("/greeting")))


@exercise(0)
def test_pause_lets_others_run(sample: SampleData) -> None:
    """/pause takes 2 seconds, and two requests to it don't wait for each other."""
    assert_same(answers, elapsed, of=warm_up(sample, *times(2, get("/pause"))))


@exercise(0)
def test_both_fetches_run_together(sample: SampleData) -> None:
    """/both answers with the greeting and the name, and takes as long as one fetch."""
    assert_same(answers, elapsed, of=warm_up(sample, get("/both")))


def warm_up(sample: SampleData, *requests: Request) -> Scenario:
    [seconds] = sample.delays(1)
    return scenario(
        *requests,
        fetch_greeting=fetches(seconds, sample.word()),
        fetch_name=fetches(seconds, sample.word()),
    )


# Exercise 1: basic async


@exercise(1)
def test_each_endpoint_answers(sample: SampleData) -> None:
    """/users, /products, /orders and /compute answer as before, after the same time."""
    paths = ("/users", "/products", "/orders", "/compute", "/compute")
    one_by_one = scenario(
        *spaced(10, *map(get, paths)),
        compute=computes(2, sample.number()),
    )
    assert_same(contents, media_types, elapsed, of=one_by_one)


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
def test_hundred_users_take_one_second() -> None:
    """A hundred requests at once to /users take as long as one of them."""
    hundred = scenario(times(100, get("/users")), compute=computes(2))
    assert_same(statuses, elapsed, of=hundred)


@exercise(1)
def test_other_endpoints_take_a_crowd() -> None:
    """/products and /orders take a crowd as well, on a server that has two worker threads."""
    crowd = scenario(
        times(5, get("/products")), times(5, get("/orders")), compute=computes(2), threads=2
    )
    assert_same(statuses, elapsed, of=crowd)


@exercise(1)
def test_compute_delays_nobody() -> None:
    """While /compute computes, /users is answered as fast as ever."""
    busy = scenario(
        get("/compute"), get("/users", at=0.1), get("/orders", at=0.2), compute=computes(2, 7)
    )
    assert_same(statuses, elapsed, of=busy)


# Exercise 2: concurrent operations


def _dashboard(sample: SampleData, delays: list[float], *requests: Any) -> Scenario:
    user, orders, stats = delays
    return scenario(
        *(requests or (get("/dashboard"),)),
        fetch_user=fetches(user, sample.record()),
        fetch_orders=fetches(orders, sample.records(3)),
        fetch_stats=fetches(stats, sample.record()),
    )


@exercise(2)
def test_dashboard_holds_all_three(sample: SampleData) -> None:
    """The dashboard holds the user, the orders and the stats, each under its name."""
    user, orders, stats = sample.delays(3)
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=10),
        fetch_user=fetches(user, sample.record()),
        fetch_orders=in_turn(fetches(orders, sample.records(3)), fetches(orders, [])),
        fetch_stats=in_turn(fetches(stats, sample.record()), fetches(stats, {})),
    )
    assert_same(answers, of=two)


@exercise(2)
def test_dashboard_overlaps_its_fetches(sample: SampleData) -> None:
    """The dashboard takes as long as its slowest fetch, not as long as all of them together."""
    assert_same(elapsed, call_counts, of=_dashboard(sample, sample.shuffled(1, 2, 1.5)))


@exercise(2)
def test_any_fetch_may_be_the_slowest(sample: SampleData) -> None:
    """That holds whichever fetch is the slowest."""
    slow, quick = fetches(2.5, sample.word()), fetches(0.5, sample.word())
    in_three_ways = scenario(
        *(get("/dashboard", at=at) for at in (0, 10, 20)),
        fetch_user=in_turn(slow, quick, quick),
        fetch_orders=in_turn(quick, slow, quick),
        fetch_stats=in_turn(quick, quick, slow),
    )
    assert_same(elapsed, of=in_three_ways)


@exercise(2)
def test_two_dashboards_at_once(sample: SampleData) -> None:
    """Two dashboards at once hold their own data, and don't wait for each other."""
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=0.3),
        fetch_user=in_turn(fetches(1, sample.record()), fetches(0.5, sample.record())),
        fetch_orders=in_turn(fetches(2, sample.records(1)), fetches(1, sample.records(2))),
        fetch_stats=in_turn(fetches(1.5, sample.record()), fetches(2.5, sample.record())),
        order_seed=sample.number(),
    )
    assert_same(answers, elapsed, of=two)


@exercise(2)
def test_failing_fetch_is_a_502(sample: SampleData) -> None:
    """When a fetch fails, the answer is 502."""
    assert_same(statuses, of=_failing_dashboards(sample)[0], server_errors=[502])


@exercise(2)
def test_failure_gives_nothing_away(sample: SampleData) -> None:
    """The 502 does not give away the text of the error."""
    failing, secret = _failing_dashboards(sample)
    assert_same(statuses, mentions(secret), of=failing, server_errors=[502])


@exercise(2)
def test_no_fetch_is_left_running(sample: SampleData) -> None:
    """When a fetch has failed and the answer is out, no other fetch is still running."""
    assert_same(left_running, of=_failing_dashboards(sample)[0], server_errors=[502])


@exercise(2)
def test_failure_harms_no_other_dashboard(sample: SampleData) -> None:
    """A dashboard whose fetch fails harms no other that is under way."""
    two = scenario(
        get("/dashboard"),
        get("/dashboard", at=0.2),
        fetch_user=in_turn(breaks(after=0.5, text=sample.secret()), fetches(1, sample.record())),
        fetch_orders=fetches(2, sample.records(2)),
        fetch_stats=fetches(1, sample.record()),
    )
    assert_same(statuses, of=two, server_errors=[502])


@exercise(2)
def test_cancelled_dashboard_ends_at_once(sample: SampleData) -> None:
    """A request that the server cancels ends at once: no `except` holds on to it."""
    cancelled = _dashboard(sample, [3, 3, 3], get("/dashboard", cancelled_at=0.5))
    assert_same(cancellations, of=cancelled)


def _failing_dashboards(sample: SampleData) -> tuple[Scenario, str]:
    """Requests far apart, and the text of their errors.

    For each another fetch fails; at last one that the others precede.
    """
    shared = sample.shared()
    long, secret = fetches(3, shared.record()), shared.secret()
    failing = scenario(
        *(get("/dashboard", at=at) for at in (0, 10, 20, 30)),
        fetch_user=in_turn(breaks(0.5, "ConnectionError", secret), long, long, long),
        fetch_orders=in_turn(long, breaks(0.5, "ValueError", secret), long, long),
        fetch_stats=in_turn(
            long, long, breaks(0.5, "KeyError", secret), breaks(3.5, "RuntimeError", secret)
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


@exercise(3)
def test_items_are_created_and_read(sample: SampleData) -> None:
    """POST makes an item and answers 201, GET finds it, alone and in the list of all."""
    one, other = ({"name": sample.word(), "price": sample.price()} for _ in range(2))
    in_a_row = _shop(
        post("/items", json=one),
        get("/items/3", at=1),
        get("/items", at=2),
        post("/items", json=other, at=3),
        get("/items", at=4),
        get("/items/1", at=5),
    )
    assert_same(answers_in_any_order, readings, of=in_a_row)


@aspect("status", "body", say=answers.say)
def answers_in_any_order(trace: Trace) -> tuple[tuple[int | None, str], ...]:
    """Each answer; a list of items says the same in whatever order it is."""
    return tuple(
        (exchange.status, as_text(sorted(body, key=as_text))) if isinstance(body, list) else answer
        for exchange, answer in zip(trace.exchanges, answers(trace), strict=True)
        for body in [exchange.json()]
    )


@exercise(3)
def test_items_are_changed_and_deleted(sample: SampleData) -> None:
    """PUT changes what its body has, DELETE takes an item away; so it is in the database, too."""
    in_a_row = _shop(
        put("/items/1", json={"name": sample.word(), "price": sample.price()}),
        get("/items/2", at=1),
        get("/items", at=1.5),
        put("/items/2", json={"price": sample.price()}, at=2),
        delete("/items/1", at=3),
        get("/items/2", at=4),
        get("/items", at=5),
    )
    assert_same(answers, readings, of=in_a_row)


@exercise(3)
def test_zero_is_a_price(sample: SampleData) -> None:
    """A price of 0 is a price like any other, for POST and for PUT."""
    free = _shop(
        post("/items", json={"name": sample.word(), "price": 0}),
        put("/items/1", json={"price": 0}, at=1),
        put("/items/2", json={"name": sample.word(), "price": 0}, at=2),
    )
    assert_same(answers, readings, of=free)


@exercise(3)
def test_list_is_in_the_order_of_ids(sample: SampleData) -> None:
    """The list of all items is in the order of their ids, also after an update."""
    updated = _shop(
        get("/items"), put("/items/1", json={"price": sample.price()}, at=1), get("/items", at=2)
    )
    assert_same(order_of_ids, of=updated)


@aspect("body", say=lambda ids: f"ids {', '.join(ids) or 'nothing'}", nothing="no list")
def order_of_ids(trace: Trace) -> tuple[tuple[str, ...], ...]:
    """The ids of each list, as it has them; what else is in it does not matter."""
    return tuple(
        tuple(str(item.get("id")) for item in body)
        for exchange in trace.exchanges
        for body in [exchange.json()]
        if isinstance(body, list) and all(isinstance(item, dict) for item in body)
    )


@exercise(3)
def test_missing_items_are_not_found() -> None:
    """An id that is not in the table is answered 404, for GET, PUT and DELETE."""
    missing = _shop(
        get("/items/99"), put("/items/99", json={"price": 1.5}, at=1), delete("/items/99", at=2)
    )
    assert_same(statuses, readings, of=missing)


@exercise(3)
def test_bad_bodies_are_refused() -> None:
    """A body that does not fit is answered 422, and so is an id that isn't a number."""
    bodies: list[Any] = [{"name": "lamp"}, {"name": "lamp", "price": "dear"}, ["lamp", 20]]
    bad = _shop(
        *(post("/items", json=body, at=at) for at, body in enumerate(bodies)),
        put("/items/1", json={"price": "dear"}, at=4),
        get("/items/lamp", at=5),
    )
    assert_same(statuses, readings, of=bad)


@exercise(3)
def test_one_pool_serves_all() -> None:
    """One pool is opened when the app starts. No request opens connections of its own."""
    crowd = _a_crowd_and_six_apart()
    assert_same(statuses, at_most_open(5), pool_opened_by_request, of=crowd)


def _a_crowd_and_six_apart() -> Scenario:
    apart = (get("/items/1", at=1 + place) for place in range(6))
    return _shop(times(5, get("/items/1")), *apart)


@exercise(3)
def test_pool_is_closed_at_shutdown() -> None:
    """When the app stops, the pool closes its connections."""
    assert_same(kept_open, left_open, of=_a_crowd_and_six_apart())


@exercise(3)
def test_twenty_requests_take_four_rounds() -> None:
    """Twenty requests at once, on a pool of five, take as long as four."""
    crowd = _shop(times(20, get("/items/1")))
    assert_same(statuses, sorted_elapsed, at_most_open(5), of=crowd)


@exercise(3)
def test_list_takes_one_query() -> None:
    """The list of all items takes as long as one query, however many there are."""
    chairs = "insert into items (name, price) select 'chair', 9 from generate_series(1, 28)"
    many = _shop(get("/items"), seed_sql=f"{TABLE};{chairs}")
    assert_same(answers_in_any_order, elapsed, of=many)


@exercise(3)
def test_failures_leak_no_connection() -> None:
    """Statements that fail, and callers that leave, cost the pool no connection."""
    failing = Fault(does="fail", times=6, when="serving")
    trouble = _shop(
        *(get("/items/1", at=place) for place in range(6)),
        *(get("/items/2", at=10 + place, cancelled_at=0.1) for place in range(6)),
        get("/items/2", at=20),
        faults=[failing],
    )
    assert_same(answer_of(12), left_open, of=trouble, server_errors=[500])


@exercise(3)
def test_names_are_just_names(sample: SampleData) -> None:
    """A name is just a name, whatever quotes and semicolons are in it."""
    nasty = f"{sample.word()}'); drop table items; --"
    names = _shop(
        post("/items", json={"name": nasty, "price": 1.5}),
        put("/items/2", json={"name": f"O'{sample.word()}"}, at=1),
        get("/items", at=2),
    )
    assert_same(answers_in_any_order, readings, of=names)


@exercise(3)
def test_writes_at_once_are_all_answered(sample: SampleData) -> None:
    """More writes at once than connections are all answered, each new item with its own id."""
    made, changed = (
        [{"name": sample.word(), "price": sample.price()} for _ in range(6)] for _ in range(2)
    )
    at_once = _shop(
        *(post("/items", json=item) for item in made),
        *(put(f"/items/{id_}", json=item, at=5) for id_, item in enumerate(changed, 3)),
        *(delete(f"/items/{id_}", at=10) for id_ in range(3, 9)),
    )
    assert_same(items_answered, of=at_once)


@aspect("status", "body")
def items_answered(trace: Trace) -> tuple[str, ...]:
    """The item in each answer; which of them gets which id is open."""
    bodies = [exchange.json() for exchange in trace.exchanges]
    items = [body if isinstance(body, dict) else {} for body in bodies]
    made = zip(trace.exchanges, items, strict=True)
    ids = {json.dumps(item.get("id")) for exchange, item in made if exchange.method == "POST"}
    names = (
        f"{exchange.status} {item.get('name', '')}".rstrip()
        for exchange, item in zip(trace.exchanges, items, strict=True)
    )
    return (*names, f"{len(ids)} different ids")


@exercise(3)
def test_two_updates_lose_nothing(sample: SampleData) -> None:
    """Of two updates at once, one of the name and one of the price, none is lost."""
    at_once = _shop(
        put("/items/1", json={"name": sample.word()}),
        put("/items/1", json={"price": sample.price()}),
    )
    assert_same(readings, of=at_once)


# Exercise 4: error handling


def _external(*requests: Any, fetch: Any) -> Scenario:
    return scenario(*(requests or (get("/external"),)), fetch=fetch)


@exercise(4)
def test_value_is_passed_on(sample: SampleData) -> None:
    """What the fetch returns is the answer, when it is there."""
    values = fetches(1.5, sample.record()), fetches(0.5, {})
    two = _external(get("/external"), get("/external", at=10), fetch=in_turn(*values))
    assert_same(answers, elapsed, of=two)


@exercise(4)
def test_slow_fetch_is_a_504() -> None:
    """A fetch that takes longer than 2 seconds is answered 504, after 2 seconds exactly."""
    late = _external(fetch=fetches(5, "late"))
    assert_same(elapsed, statuses, of=late, server_errors=[504])


@exercise(4)
def test_slow_fetch_is_cancelled() -> None:
    """The fetch that took too long is cancelled, not abandoned."""
    late = _external(fetch=fetches(5, "late"))
    assert_same(call_endings, of=late, server_errors=[504])


@exercise(4)
def test_failing_fetch_is_502(sample: SampleData) -> None:
    """A fetch that fails is answered 502, and not with the text of its error."""
    secret = sample.secret()
    kinds = ("ConnectionError", "ValueError", "RuntimeError", "KeyError", "ZeroDivisionError")
    failing = _external(
        *spaced(10, *times(len(kinds), get("/external"))),
        fetch=in_turn(*(breaks(after=0.5, type=kind, text=secret) for kind in kinds)),
    )
    assert_same(statuses, elapsed, mentions(secret), of=failing, server_errors=[502])


@exercise(4)
def test_http_exception_keeps_its_status() -> None:
    """An HTTPException that the fetch raises keeps its own status."""
    own = _external(
        get("/external"),
        get("/external", at=10),
        fetch=in_turn(*(breaks(after=0.5, status=status, text="its own") for status in (404, 503))),
    )
    assert_same(statuses, of=own, server_errors=[503])


@exercise(4)
def test_calls_share_no_budget(sample: SampleData) -> None:
    """Two calls at once have two seconds each."""
    two = _external(
        get("/external"),
        get("/external", at=1.5),
        get("/external", at=1.9),
        fetch=in_turn(fetches(5), fetches(1.9, sample.record()), fetches(1.5, sample.record())),
    )
    assert_same(statuses, elapsed, of=two, server_errors=[504])


@exercise(4)
def test_cancelled_request_ends_at_once() -> None:
    """A request that the server cancels ends at once: no `except` holds on to it."""
    cancelled = _external(get("/external", cancelled_at=0.5), fetch=fetches(1.5, "late"))
    assert_same(cancellations, of=cancelled)


# Exercise 5: background tasks


def _process(
    sample: SampleData,
    *requests: Any,
    drain: float = 60,
    process: Any = None,
    order_seed: int | None = None,
) -> Scenario:
    requests = requests or (post("/process", json=sample.shared().record()),)
    return scenario(*requests, drain=drain, process=process or works(3), order_seed=order_seed)


@exercise(5)
def test_accepted_at_once(sample: SampleData) -> None:
    """The answer is 202 {"status": "accepted"}, complete at once."""
    assert_same(answers, elapsed, of=_process(sample))


@exercise(5)
def test_work_begins_after_the_answer(sample: SampleData) -> None:
    """The work begins after the complete answer, and it is done."""
    assert_same(order_of_work("process"), of=_process(sample))


@exercise(5)
def test_work_gets_the_data(sample: SampleData) -> None:
    """The work is given the data that came, and done once for each request."""
    twice, nested = sample.record(), {sample.word(): [1, {sample.word(): None}]}
    data: list[tuple[float, Any]] = [(0, twice), (0, nested), (0.5, twice), (0.5, {})]
    requests = [post("/process", json=each, at=at) for at, each in data]
    for order_seed in (None, sample.number()):
        work = _process(sample, *requests, order_seed=order_seed)
        assert_same(arguments, elapsed, of=work)


@exercise(5)
def test_completion_is_logged(sample: SampleData) -> None:
    """Completion is logged on the logger "day53"."""
    assert_same(logged("day53", after="process"), of=_process(sample))


@exercise(5)
def test_failure_is_logged(sample: SampleData) -> None:
    """Work that fails is logged on "day53" with its traceback, and other requests go on."""
    failing = _process(
        sample,
        post("/process", json=sample.record()),
        post("/process", json=sample.record(), at=1),
        post("/process", json=sample.record(), at=2),
        process=in_turn(
            breaks_down(after=2, text=sample.secret()),
            breaks_down(2, "ValueError", sample.secret()),
            works(2),
        ),
    )
    assert_same(answers, logged("day53", after="process"), order_of_work("process"), of=failing)


@exercise(5)
def test_failure_is_not_logged_as_done(sample: SampleData) -> None:
    """Work that fails is not logged as done."""
    same = sample.record()
    one_fails = _process(
        sample,
        post("/process", json=same),
        post("/process", json=same, at=10),
        process=in_turn(breaks_down(after=2, text=sample.secret()), works(2)),
    )
    assert_same(logged_as_done("day53", after="process"), of=one_fails)


@aspect("log", say=lambda is_error: f"{'an' if is_error else 'no'} error is logged")
def success_as_error(trace: Trace) -> tuple[bool, ...]:
    """Whether an error is logged of work that is done."""
    done = {call.exchange for call in trace.calls("process") if call.how == "done"}
    errors = {log.exchange for log in trace.logs if log.level in ("ERROR", "CRITICAL")}
    return tuple(exchange in errors for exchange in sorted(done, key=str))


@exercise(5)
def test_completion_is_no_error(sample: SampleData) -> None:
    """Completion isn't logged as an error."""
    assert_same(success_as_error, of=_process(sample))


@aspect("cancellation")
def cancelled_work(trace: Trace) -> tuple[str, ...]:
    """What becomes of a cancellation that reaches the work."""
    reached = {call.exchange for call in trace.calls("process") if call.how == "cancelled"}
    swallowed = [e.number in reached and not ends_cancelled(e) for e in trace.exchanges]
    return tuple("swallowed" if one else "let through" for one in swallowed)


@exercise(5)
def test_cancellation_goes_through_the_work(sample: SampleData) -> None:
    """Work that is cancelled hasn't failed: its cancellation isn't swallowed."""
    request = post("/process", json=sample.record(), cancelled_at=1)
    assert_same(cancelled_work, of=_process(sample, request))


@exercise(5)
def test_only_objects_are_accepted(sample: SampleData) -> None:
    """A body that isn't a JSON object is answered 422, and nothing is processed."""
    requests = spaced(10, *(post("/process", body=body, headers=JSON) for body in NOT_OBJECTS))
    assert_same(statuses, call_counts, of=_process(sample, *requests))


@exercise(5)
def test_accepted_work_survives_shutdown(sample: SampleData) -> None:
    """What has been accepted is finished, also when the server is asked to stop."""
    three = [post("/process", json=sample.record()) for _ in range(3)]
    work = in_turn(works(20), works(3), works(8))
    assert_same(order_of_work("process"), of=_process(sample, *three, drain=0, process=work))


# Exercise 6: partial failures


def _aggregate(sources: dict[str, Any], *requests: Any) -> Scenario:
    return scenario(*(requests or (get("/aggregate"),)), sources=sources)


def _sources(sample: SampleData, failing: int, total: int = 4) -> dict[str, Takes]:
    kinds = ("ConnectionError", "ValueError", "TimeoutError", "RuntimeError", "KeyError")
    delays = sample.delays(total)
    return {
        sample.word(): breaks(delays[n], sample.pick(*kinds), sample.secret())
        if n < failing
        else fetches(delays[n], sample.record())
        for n in range(total)
    }


@exercise(6)
def test_all_results_by_name(sample: SampleData) -> None:
    """Every result is under the name of its source, whatever the order of finishing."""
    assert_same(answers, of=_aggregate(_sources(sample, failing=0)))


@exercise(6)
def test_sources_are_asked_together(sample: SampleData) -> None:
    """All sources are asked at once: the answer takes as long as the slowest of them."""
    count = 11 + sample.number() % 6  # drawn, so that no limit is just large enough
    sources = _sources(sample, failing=0, total=count) | {
        sample.word(): fetches(8, sample.record())
    }
    assert_same(statuses, elapsed, of=_aggregate(sources))


@exercise(6)
def test_one_failure_loses_nothing(sample: SampleData) -> None:
    """One source that fails is named under "errors", and the others lose nothing."""
    assert_same(answers, elapsed, of=_aggregate(_sources(sample, failing=1)))


@exercise(6)
def test_all_may_fail(sample: SampleData) -> None:
    """When all fail, the answer names every failure."""
    assert_same(answers, elapsed, of=_aggregate(_sources(sample, failing=4)))


@exercise(6)
def test_empty_results_are_results(sample: SampleData) -> None:
    """A result that is 0, None or empty is a result like any other."""
    nothings: tuple[Any, ...] = (0, None, "", [], False)
    empty = {sample.word(): fetches(0.5, nothing) for nothing in nothings}
    assert_same(answers, of=_aggregate(empty))


@exercise(6)
def test_cancelled_aggregate_ends_at_once(sample: SampleData) -> None:
    """A request that the server cancels ends at once: no `except` holds on to it."""
    sources = _sources(sample, failing=1)
    cancelled = _aggregate(sources, get("/aggregate", cancelled_at=0.2))
    assert_same(cancellations, of=cancelled)


@exercise(6)
def test_each_source_is_asked_once(sample: SampleData) -> None:
    """No source is asked twice, and none goes on after the answer."""
    sources = _aggregate(_sources(sample, failing=2))
    assert_same(call_counts, left_running, of=sources)


@exercise(6)
def test_aggregates_do_not_mix(sample: SampleData) -> None:
    """Each request asks again, gets an answer of its own, and waits for no other."""
    sources = {
        "steady": in_turn(*(fetches(1, sample.word()) for _ in range(3))),
        "recovers": in_turn(
            breaks(0.5, "ValueError", sample.secret()), fetches(0.7, sample.word())
        ),
        "breaks": in_turn(fetches(0.5, sample.word()), breaks(0.6, "KeyError", sample.secret())),
    }
    requests = (get("/aggregate", at=at) for at in (0, 0.2, 5))
    assert_same(answers, elapsed, of=_aggregate(sources, *requests))


# Exercise 7: streaming


def _stream(
    sample: SampleData, *requests: Any, count: int = 5, every: float = 1, **options: Any
) -> Scenario:
    values = sample.records(count) if count < 100 else range(count)
    read_rows = rows(values, every=every)
    return scenario(*(requests or (get("/stream"),)), read_rows=read_rows, **options)


@exercise(7)
def test_rows_are_json_lines(sample: SampleData) -> None:
    """Each row is a line of JSON, and the media type is application/x-ndjson."""
    many = _stream(sample, count=11 + sample.number() % 6, every=0.37)
    assert_same(statuses, media_types, rows_in_body, of=many)


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
def test_each_line_at_its_moment(sample: SampleData) -> None:
    """Each line goes out at the moment that its row is there, and the last one is the end."""
    assert_same(line_moments, elapsed, of=_stream(sample))


@exercise(7)
def test_slow_rows_are_waited_for(sample: SampleData) -> None:
    """A row that takes half a minute is waited for."""
    assert_same(line_moments, of=_stream(sample, count=2, every=30))


@exercise(7)
def test_thousand_rows_are_not_collected(sample: SampleData) -> None:
    """The first of a thousand rows does not wait for the last."""
    first_five = get("/stream", hangs_up_after=5)
    assert_same(line_moments, of=_stream(sample, first_five, count=1000, every=0.01))


@exercise(7)
def test_many_streams_at_once(sample: SampleData) -> None:
    """Many streams at once don't wait for each other, on a server that has four threads."""
    count = 11 + sample.number() % 6  # drawn, so that no limit is just large enough
    many = _stream(sample, *(get("/stream", at=n % 2 / 2) for n in range(count)), threads=4)
    assert_same(line_moments, rows_in_body, of=many)


@exercise(7)
def test_hang_up_ends_the_generator(sample: SampleData) -> None:
    """A client that hangs up ends the generator at once."""
    after_three_lines = get("/stream", hangs_up_after=3)
    between_lines = get("/stream", hangs_up_at=2.5, at=20)
    two = _stream(sample, after_three_lines, between_lines, count=8)
    assert_same(call_endings, of=two)


@exercise(7)
def test_cancelled_stream_ends_at_once(sample: SampleData) -> None:
    """A stream that the server cancels breaks off: it must not look complete."""
    cancelled = _stream(sample, get("/stream", cancelled_at=2.5))
    assert_same(cancellations, call_endings, of=cancelled)


# Exercise 8: async context managers


def _query(*requests: Any, query: Takes, order_seed: int | None = None) -> Scenario:
    requests = requests or (get("/query", query={"sql": "select 1"}),)
    connect = connects(0.2, query=query, close=0.1)
    return scenario(*requests, connect=connect, order_seed=order_seed)


@exercise(8)
def test_rows_are_the_answer(sample: SampleData) -> None:
    """The answer holds the rows of the query."""
    wanted = sample.records(3)
    holds_rows = body_holds("the rows", lambda body: _holds(body, wanted))
    assert_same(holds_rows, of=_query(query=takes(0.5, wanted)))


def _holds(body: Any, wanted: Any) -> bool:
    return body == wanted or (isinstance(body, dict) and wanted in body.values())


@exercise(8)
def test_one_connection_a_request(sample: SampleData) -> None:
    """Each request opens one connection and closes it once, when the rows have been read."""
    assert_same(call_counts, resources, of=_query(query=takes(0.5, sample.records(1))))


@exercise(8)
def test_query_is_given_the_sql(sample: SampleData) -> None:
    """The connection is given the SQL of the request."""
    sql = f"select * from {sample.word()} where a = 'b c'"
    asked = _query(get("/query", query={"sql": sql}), query=takes(0.5, []))
    assert_same(statuses, arguments_of("connect.query"), of=asked)


@exercise(8)
def test_requests_share_no_connection(sample: SampleData) -> None:
    """Requests at once have a connection each, and don't wait for each other."""
    twice = sample.word()
    asked = ((twice, 0), (sample.word(), 0.1), (sample.word(), 0.4), (twice, 2))
    four = [get("/query", query={"sql": sql}, at=at) for sql, at in asked]
    query = takes(0.5, sample.records(1))
    assert_same(statuses, call_counts, resources, of=_query(*four, query=query))
    other_order = _query(*four, query=query, order_seed=sample.number())
    assert_same(endings_of("connect.query"), of=other_order)


@exercise(8)
def test_failing_query_is_502(sample: SampleData) -> None:
    """A query that fails is answered 502: the context manager hides no exception."""
    secret = sample.shared().secret()
    for kind in ("RuntimeError", "KeyError"):
        failing = _query(query=fails(after=0.5, type=kind, text=secret))
        assert_same(statuses, mentions(secret), of=failing, server_errors=[502])


@exercise(8)
def test_closed_when_the_query_fails(sample: SampleData) -> None:
    """The connection is closed when the query fails, too."""
    secret = sample.shared().secret()
    failing = _query(query=fails(after=0.5, type="RuntimeError", text=secret))
    assert_same(resources, of=failing, server_errors=[502])


@exercise(8)
def test_closed_when_cancelled(sample: SampleData) -> None:
    """The connection is closed when the request is cancelled, and the cancellation goes on."""
    sql = {"sql": sample.word()}
    cancelled = _query(get("/query", query=sql, cancelled_at=0.4), query=takes(5, []))
    assert_same(resources, endings_of("connect.query"), cancellations, of=cancelled)


@exercise(8)
def test_query_may_find_nothing() -> None:
    """A query that finds no rows, or returns None, has worked: the answer is 200."""
    assert_same(statuses, of=_query(query=takes(0.5, [])))
    assert_same(statuses, of=_query(query=takes(0.5, None)))
