"""The checks of day 53 as one writes them without a virtual clock.

A test that measures time has the delays of the check, because less would drown in the
noise of the machine. One that does not has short ones, and looks at several things at
once where one wait can serve them all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import HTTPException

from .fakes import After, Call, FakeDatabase, fake, fake_rows
from .server import Server

pytestmark = pytest.mark.anyio

Serve = Callable[..., Server]

SECRET = "db.internal:5432 password=81726354"


def about(seconds: float, within: float = 0.25) -> Any:
    """The tolerance has to cover HTTP, threads, and whatever else the machine does."""
    return pytest.approx(seconds, abs=within)


def how(*fakes: Any) -> list[str]:
    return [call.how for fake in fakes for call in fake.calls]


async def until_over(calls: list[Call], count: int = 1, within: float = 5) -> None:
    """Wait until so many calls have been made, and all of them have ended."""
    async with asyncio.timeout(within):
        # Another thread makes the calls, and no event of this loop can tell.
        while len(calls) < count or any(call.how == "running" for call in calls):
            await asyncio.sleep(0.01)


# Exercise 1: basic async


def compute() -> int:
    time.sleep(2)
    return 7


async def test_each_endpoint_answers(serve: Serve) -> None:
    server = serve(1, compute=compute)
    paths = ("/users", "/products", "/orders", "/compute", "/compute")
    users, products, orders, *computed = await asyncio.gather(*map(server.get, paths))
    assert isinstance(users.data["users"], list)
    assert isinstance(products.data["products"], list)
    assert isinstance(orders.data["orders"], list)
    assert [answer.data for answer in computed] == [{"result": 7}] * 2
    every = (users, products, orders, *computed)
    assert [answer.took for answer in every] == [about(s) for s in (1, 0.5, 0.8, 2, 2)]
    assert {answer.media_type for answer in every} == {"application/json"}


async def test_hundred_users_take_one_second(serve: Serve) -> None:
    server = serve(1, compute=compute)
    answers = await asyncio.gather(*(server.get("/users") for _ in range(100)))
    assert {answer.status for answer in answers} == {200}
    assert max(answer.took for answer in answers) == about(1, within=0.9)


async def test_other_endpoints_take_a_crowd(serve: Serve) -> None:
    server = serve(1, compute=compute, threads=2)
    products = [server.get("/products") for _ in range(5)]
    orders = [server.get("/orders") for _ in range(5)]
    answers = await asyncio.gather(*products, *orders)
    assert [answer.took for answer in answers] == [about(0.5)] * 5 + [about(0.8)] * 5


async def test_compute_delays_nobody(serve: Serve) -> None:
    server = serve(1, compute=compute)
    computed, users, orders = await asyncio.gather(
        server.get("/compute"), server.get("/users", at=0.1), server.get("/orders", at=0.2)
    )
    assert (computed.took, users.took, orders.took) == (about(2), about(1), about(0.8))


# Exercise 2: concurrent operations


def dashboard(serve: Serve, user: Any, orders: Any, stats: Any) -> Server:
    return serve(2, fetch_user=user, fetch_orders=orders, fetch_stats=stats)


async def test_dashboard_holds_all_three(serve: Serve) -> None:
    user = fake(After(0.3, "user"))
    orders = fake(After(0.1, [1, 2]), After(0.1, []))
    stats = fake(After(0.2, {"n": 3}), After(0.2, {}))
    server = dashboard(serve, user, orders, stats)
    first, second = await server.get("/dashboard"), await server.get("/dashboard")
    assert first.data == {"user": "user", "orders": [1, 2], "stats": {"n": 3}}
    assert second.data == {"user": "user", "orders": [], "stats": {}}


async def test_dashboard_overlaps_its_fetches(serve: Serve) -> None:
    fetches = [fake(After(1)), fake(After(2)), fake(After(1.5))]
    answer = await dashboard(serve, *fetches).get("/dashboard")
    assert answer.took == about(2)
    assert how(*fetches) == ["done"] * 3


async def test_any_fetch_may_be_the_slowest(serve: Serve) -> None:
    slow, quick = After(2.5), After(0.5)
    fetches = [fake(slow, quick, quick), fake(quick, slow, quick), fake(quick, quick, slow)]
    server = dashboard(serve, *fetches)
    answers = await asyncio.gather(*(server.get("/dashboard", at=at) for at in (0, 0.1, 0.2)))
    assert [answer.took for answer in answers] == [about(2.5)] * 3


async def test_two_dashboards_at_once(serve: Serve) -> None:
    user = fake(After(1, "user 1"), After(0.5, "user 2"))
    orders = fake(After(2, [1]), After(1, [2]))
    stats = fake(After(1.5, "stats 1"), After(2.5, "stats 2"))
    server = dashboard(serve, user, orders, stats)
    first, second = await asyncio.gather(server.get("/dashboard"), server.get("/dashboard", at=0.3))
    assert first.data == {"user": "user 1", "orders": [1], "stats": "stats 1"}
    assert second.data == {"user": "user 2", "orders": [2], "stats": "stats 2"}
    assert (first.took, second.took) == (about(2), about(2.5))


async def test_failure_harms_no_other_dashboard(serve: Serve) -> None:
    user = fake(After(0.5, ConnectionError(SECRET)), After(1))
    server = dashboard(serve, user, fake(After(2)), fake(After(1)))
    first, second = await asyncio.gather(server.get("/dashboard"), server.get("/dashboard", at=0.2))
    assert (first.status, second.status) == (502, 200)


async def test_failing_fetch_is_a_502_and_leaves_nothing_running(serve: Serve) -> None:
    long, last = After(3), After(3.5, RuntimeError(SECRET))
    fetches = [
        fake(After(0.5, ConnectionError(SECRET)), long, long, long),
        fake(long, After(0.5, ValueError(SECRET)), long, long),
        fake(long, long, After(0.5, KeyError(SECRET)), last),
    ]
    server = dashboard(serve, *fetches)
    answers = await asyncio.gather(*(server.get("/dashboard", at=at) for at in (0, 0.1, 0.2, 0.3)))
    assert [answer.status for answer in answers] == [502] * 4
    assert not any(part in answer.text for answer in answers for part in SECRET.split())
    assert "running" not in how(*fetches)


# Exercise 4: error handling


async def test_value_is_passed_on(serve: Serve) -> None:
    server = serve(4, fetch=fake(After(1.5, {"n": 1}), After(0.5, {})))
    first, second = await server.get("/external"), await server.get("/external")
    assert (first.status, first.data, first.took) == (200, {"n": 1}, about(1.5))
    assert (second.status, second.data, second.took) == (200, {}, about(0.5))


async def test_slow_fetch_is_a_504_and_is_cancelled(serve: Serve) -> None:
    fetch = fake(After(5, "late"))
    answer = await serve(4, fetch=fetch).get("/external")
    assert (answer.status, answer.took) == (504, about(2))
    assert how(fetch) == ["cancelled"]


async def test_failing_fetch_is_502(serve: Serve) -> None:
    kinds = (ConnectionError, ValueError, RuntimeError, KeyError, ZeroDivisionError)
    server = serve(4, fetch=fake(*(After(0.5, kind(SECRET)) for kind in kinds)))
    answers = await asyncio.gather(*(server.get("/external") for _ in kinds))
    assert [(answer.status, answer.took) for answer in answers] == [(502, about(0.5))] * 5
    assert not any(part in answer.text for answer in answers for part in SECRET.split())


async def test_http_exception_keeps_its_status(serve: Serve) -> None:
    own = (After(0.1, HTTPException(status, "its own")) for status in (404, 503))
    server = serve(4, fetch=fake(*own))
    answers = await asyncio.gather(server.get("/external"), server.get("/external"))
    assert {answer.status for answer in answers} == {404, 503}


async def test_calls_share_no_budget(serve: Serve) -> None:
    server = serve(4, fetch=fake(After(5), After(1.75), After(1.5)))
    answers = await asyncio.gather(*(server.get("/external", at=at) for at in (0, 1.5, 1.9)))
    assert [answer.status for answer in answers] == [504, 200, 200]
    assert [answer.took for answer in answers] == [about(2), about(1.75), about(1.5)]


# Exercise 5: background tasks


async def test_accepted_at_once_and_work_is_done(serve: Serve) -> None:
    process = fake(After(3))
    answer = await serve(5, process=process).post("/process", json={"n": 1})
    assert (answer.status, answer.data) == (202, {"status": "accepted"})
    assert answer.took == about(0)
    # Whether it begins before or after the answer is out, no clock of ours can tell here.
    await until_over(process.calls)
    assert how(process) == ["done"]


async def test_work_gets_the_data(serve: Serve) -> None:
    process = fake(After(1))
    server = serve(5, process=process)
    data: tuple[dict[str, Any], ...] = ({"n": 1}, {"a": [1, {"b": None}]}, {"n": 1}, {})
    moments = (0, 0, 0.5, 0.5)
    requests = zip(data, moments, strict=True)
    answers = await asyncio.gather(
        *(server.post("/process", at=at, json=each) for each, at in requests)
    )
    assert [answer.took for answer in answers] == [about(0)] * 4
    await until_over(process.calls, count=4)
    assert sorted(str(call.arguments[0]) for call in process.calls) == sorted(map(str, data))


async def test_completion_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "day53")
    process = fake(After(0.1))
    await serve(5, process=process).post("/process", json={})
    await until_over(process.calls)
    await asyncio.sleep(0.1)
    assert [record.name for record in caplog.records if record.name == "day53"]


async def test_failure_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    process = fake(After(1, ConnectionError(SECRET)), After(1))
    server = serve(5, process=process)
    answers = await asyncio.gather(
        server.post("/process", json={}), server.post("/process", json={}, at=0.5)
    )
    assert [answer.status for answer in answers] == [202, 202]
    await until_over(process.calls, count=2)
    await asyncio.sleep(0.1)
    assert how(process) == ["failed", "done"]
    assert [record for record in caplog.records if record.name == "day53" and record.exc_info]


async def test_only_objects_are_accepted(serve: Serve) -> None:
    process = fake(After(0.1))
    server = serve(5, process=process)
    bodies = (b"[1, 2]", b'"a word"', b"3", b"null", b'{"name": ')
    headers = {"content-type": "application/json"}
    answers = await asyncio.gather(
        *(server.post("/process", content=body, headers=headers) for body in bodies)
    )
    assert [answer.status for answer in answers] == [422] * 5
    assert process.calls == []


async def test_accepted_work_survives_shutdown(serve: Serve) -> None:
    process = fake(After(6), After(0.1), After(1))
    server = serve(5, process=process)
    await asyncio.gather(*(server.post("/process", json={}) for _ in range(3)))
    server.stop()
    assert how(process) == ["done"] * 3


# Exercise 6: partial failures


async def test_all_results_by_name(serve: Serve) -> None:
    delays = {"a": 0.3, "b": 0.1, "c": 0.4, "d": 0.2}
    sources = {name: fake(After(delay, f"of {name}")) for name, delay in delays.items()}
    answer = await serve(6, sources=sources).get("/aggregate")
    assert answer.data == {"results": {name: f"of {name}" for name in delays}, "errors": {}}


async def test_sources_are_asked_together(serve: Serve) -> None:
    delays = (*(0.5 + n / 10 for n in range(11)), 6.0)
    sources = {f"{delay}": fake(After(delay)) for delay in delays}
    assert (await serve(6, sources=sources).get("/aggregate")).took == about(6)


async def test_one_failure_loses_nothing(serve: Serve) -> None:
    sources = {
        "bad": fake(After(0.5, ValueError(SECRET))),
        "slow": fake(After(2, [1])),
        "quick": fake(After(1, {"n": 2})),
    }
    answer = await serve(6, sources=sources).get("/aggregate")
    results = {"slow": [1], "quick": {"n": 2}}
    assert answer.data == {"results": results, "errors": {"bad": "ValueError"}}
    assert answer.took == about(2)


async def test_all_may_fail(serve: Serve) -> None:
    kinds = (ConnectionError, ValueError, TimeoutError, KeyError)
    sources = {
        kind.__name__: fake(After(0.5 * place, kind(SECRET))) for place, kind in enumerate(kinds, 1)
    }
    answer = await serve(6, sources=sources).get("/aggregate")
    assert answer.data == {"results": {}, "errors": {name: name for name in sources}}
    assert answer.took == about(2)


async def test_empty_results_are_results(serve: Serve) -> None:
    values: dict[str, Any] = {"zero": 0, "none": None, "text": "", "list": [], "false": False}
    sources = {name: fake(After(0.1, value)) for name, value in values.items()}
    answer = await serve(6, sources=sources).get("/aggregate")
    assert answer.data == {"results": values, "errors": {}}


async def test_each_source_is_asked_once(serve: Serve) -> None:
    bad, slow = fake(After(0.2, ValueError(SECRET))), fake(After(0.5))
    await serve(6, sources={"bad": bad, "slow": slow}).get("/aggregate")
    assert how(bad, slow) == ["failed", "done"]


async def test_aggregates_do_not_mix(serve: Serve) -> None:
    sources = {
        "steady": fake(*(After(1, n) for n in (1, 2, 3))),
        "recovers": fake(After(0.5, ValueError(SECRET)), After(0.7, 5)),
        "breaks": fake(After(0.5, 6), After(0.6, KeyError(SECRET))),
    }
    server = serve(6, sources=sources)
    answers = await asyncio.gather(*(server.get("/aggregate", at=at) for at in (0, 0.2, 1.5)))
    failed = {"breaks": "KeyError"}
    assert [answer.data for answer in answers] == [
        {"results": {"steady": 1, "breaks": 6}, "errors": {"recovers": "ValueError"}},
        {"results": {"steady": 2, "recovers": 5}, "errors": failed},
        {"results": {"steady": 3, "recovers": 5}, "errors": failed},
    ]
    assert [answer.took for answer in answers] == [about(1)] * 3


# Exercise 7: streaming


def numbered(count: int) -> list[dict[str, int]]:
    return [{"number": number} for number in range(count)]


async def test_rows_are_json_lines(serve: Serve) -> None:
    answer = await serve(7, read_rows=fake_rows(numbered(12), every=0.05)).get("/stream")
    assert (answer.status, answer.media_type) == (200, "application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == numbered(12)


async def test_each_line_at_its_moment(serve: Serve) -> None:
    server = serve(7, read_rows=fake_rows(numbered(5), every=1))
    began = time.monotonic()
    lines = await server.all_lines("/stream")
    assert [line.at for line in lines] == [about(second) for second in range(1, 6)]
    assert time.monotonic() - began == about(5)


async def test_slow_rows_are_waited_for(serve: Serve) -> None:
    lines = await serve(7, read_rows=fake_rows(numbered(1), every=30)).all_lines("/stream")
    assert [line.at for line in lines] == [about(30)]


async def test_thousand_rows_are_not_collected(serve: Serve) -> None:
    async with serve(7, read_rows=fake_rows(range(1000), every=0.01)).lines("/stream") as lines:
        assert (await anext(lines)).at == about(0)


async def test_ten_streams_at_once(serve: Serve) -> None:
    server = serve(7, read_rows=fake_rows(numbered(5), every=0.5))
    ten = await asyncio.gather(*(server.all_lines("/stream", at=n % 2 / 4) for n in range(10)))
    for lines in ten:
        assert [json.loads(line.text) for line in lines] == numbered(5)
        assert [line.at for line in lines] == [about(n / 2) for n in range(1, 6)]


async def test_hang_up_after_three_lines_ends_the_generator(serve: Serve) -> None:
    read_rows = fake_rows(numbered(8), every=0.5)
    async with serve(7, read_rows=read_rows).lines("/stream") as lines:
        for _ in range(3):
            await anext(lines)
    await until_over(read_rows.calls, within=0.25)
    assert how(read_rows) == ["cancelled"]


async def test_hang_up_between_lines_ends_the_generator(serve: Serve) -> None:
    read_rows = fake_rows(numbered(8), every=1)
    async with serve(7, read_rows=read_rows).lines("/stream") as lines:
        await anext(lines)
        await asyncio.sleep(0.5)
    await until_over(read_rows.calls, within=0.25)
    assert how(read_rows) == ["cancelled"]


# Exercise 8: async context managers


async def test_rows_are_the_answer(serve: Serve) -> None:
    database = FakeDatabase(After(0.1, numbered(3)))
    answer = await serve(8, connect=database.connect).get("/query?sql=select+1")
    assert numbered(3) in (answer.data, *(answer.data if isinstance(answer.data, dict) else ()))


async def test_query_is_given_the_sql(serve: Serve) -> None:
    database, sql = FakeDatabase(After(0.1, [])), "select * from t where a = 'b c'"
    answer = await serve(8, connect=database.connect).get("/query", params={"sql": sql})
    assert answer.status == 200
    assert [query.arguments for query in database.opened[0].queries] == [(sql,)]


async def test_one_connection_a_request(serve: Serve) -> None:
    database = FakeDatabase(After(0.5, []))
    await serve(8, connect=database.connect).get("/query?sql=x")
    assert len(database.opened) == 1
    await until_over(database.opened[0].closings)
    assert [closing.how for closing in database.opened[0].closings] == ["done"]


async def test_requests_share_no_connection(serve: Serve) -> None:
    database = FakeDatabase(After(0.5, []))
    server = serve(8, connect=database.connect)
    asked = (("x", 0), ("y", 0.1), ("z", 0.4), ("x", 1.5))
    answers = await asyncio.gather(*(server.get(f"/query?sql={s}", at=at) for s, at in asked))
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.took for answer in answers] == [about(0.8)] * 4
    assert [len(one.queries) for one in database.opened] == [1] * 4
    assert [len(one.closings) for one in database.opened] == [1] * 4


@pytest.mark.parametrize("kind", [RuntimeError, KeyError])
async def test_failing_query_is_502_and_closes(serve: Serve, kind: type[Exception]) -> None:
    database = FakeDatabase(After(0.5, kind(SECRET)))
    answer = await serve(8, connect=database.connect).get("/query?sql=x")
    assert answer.status == 502
    assert not any(part in answer.text for part in SECRET.split())
    assert [closing.how for closing in database.opened[0].closings] == ["done"]


async def test_closed_when_cancelled(answers: ModuleType) -> None:
    database = FakeDatabase(After(5, []))
    # Uvicorn cancels no call of a plain endpoint; within the process a test can.
    transport = httpx.ASGITransport(answers.exercise_8(connect=database.connect))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        call = asyncio.create_task(client.get("/query?sql=x"))
        await asyncio.sleep(0.4)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert [closing.how for closing in database.opened[0].closings] == ["done"]
