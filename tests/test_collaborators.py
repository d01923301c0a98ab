"""What factories are handed: functions and resources that behave as the scenario says."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException

from grader import (
    Linear,
    Trace,
    blocks,
    by_argument,
    fails,
    get,
    in_turn,
    opens,
    play,
    rows,
    scenario,
    takes,
)
from grader.model.errors import UsageError
from grader.model.scenarios import Scenario
from grader.model.trace import encode


def app_that(endpoint: Any) -> FastAPI:
    app = FastAPI()
    app.get("/")(endpoint)
    return app


def body(trace: Trace) -> Any:
    assert trace.outcome.kind == "finished"
    assert trace.exchanges[0].raised is None, trace.exchanges[0].raised
    return trace.exchanges[0].json()


def test_values_of_other_types_arrive_as_they_are() -> None:
    given = {
        "date": datetime.date(2026, 1, 31),
        "moment": datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC),
        "price": Decimal("12.50"),
        "raw": b"\x00\xff",
        "list": [1, None, {"$date": "not one", "other": 2}],
    }

    def factory(load: Any) -> FastAPI:
        async def endpoint() -> bool:
            return bool(await load() == given)

        return app_that(endpoint)

    assert body(play(factory, get("/"), load=takes(0, given))) is True


def test_scenario_with_such_values_is_json() -> None:
    import msgspec

    whole = scenario(get("/"), load=takes(0, {"day": datetime.date(2026, 1, 31)}))
    assert msgspec.json.decode(encode(whole), type=Scenario) == whole


def test_value_that_cannot_travel_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="which is a set"):
        takes(0, {1, 2})


def test_exception_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="'ConectionError' isn't the name of an exception"):
        fails(1, "ConectionError")
    with pytest.raises(UsageError, match="'print'"):
        fails(1, "print")


def test_answer_can_depend_on_the_arguments() -> None:
    def factory(exists: Any) -> FastAPI:
        async def endpoint() -> list[Any]:
            return [
                await exists("username", "ada"),
                await exists("username", "bob"),
                await exists("email", value="ada"),
                await exists("username", "bob"),
            ]

        return app_that(endpoint)

    exists = by_argument(
        {
            ("username", "ada"): takes(1, True),
            ("username", "bob"): in_turn(takes(2, 1), takes(0, 2)),
        },
        otherwise=takes(0.5, False),
        parameters=("field", "value"),
    )
    trace = play(factory, get("/"), exists=exists)
    assert body(trace) == [True, 1, False, 2]
    assert trace.exchanges[0].elapsed == 3.5


def test_plain_function_can_return_a_function_and_can_fail() -> None:
    def factory(load: Any, fail: Any) -> FastAPI:
        def endpoint() -> list[Any]:
            try:
                fail()
            except OSError as error:
                return [load()(2), str(error)]
            return []

        return app_that(endpoint)

    trace = play(
        factory,
        get("/"),
        load=blocks(20, Linear(3, 1)),
        fail=blocks(1, raises="OSError", text="no disk"),
    )
    assert body(trace) == [7, "no disk"]
    assert trace.exchanges[0].elapsed == 21.0


def test_http_exception_has_its_headers() -> None:
    def factory(load: Any) -> FastAPI:
        async def endpoint() -> Any:
            try:
                await load()
            except HTTPException as error:
                return [error.status_code, error.detail, error.headers]

        return app_that(endpoint)

    trace = play(factory, get("/"), load=fails(0, status=418, text="tea", headers={"x-a": "b"}))
    assert body(trace) == [418, "tea", {"x-a": "b"}]


def test_resource_has_its_methods_and_refuses_to_be_used_once_closed() -> None:
    def factory(open_cache: Any) -> FastAPI:
        async def endpoint() -> list[Any]:
            cache = await open_cache("main")
            found = [await cache.get("a"), await cache.get("b")]
            await cache.close()
            try:
                await cache.get("a")
            except ConnectionError as error:
                found.append(str(error))
            return found

        return app_that(endpoint)

    cache = opens(1, get=by_argument({"a": takes(0.5, 1)}, otherwise=takes(0.25)), close=2)
    trace = play(factory, get("/"), open_cache=cache)
    assert body(trace) == [1, None, "the connection is closed"]
    assert trace.exchanges[0].elapsed == 3.75
    spans = [(span.name, span.resource, span.arguments) for span in trace.calls()]
    assert spans == [
        ("open_cache", 1, ("main",)),
        ("open_cache.get", 1, ("a",)),
        ("open_cache.get", 1, ("b",)),
        ("open_cache.close", 1, ()),
        ("open_cache.get", 1, ("a",)),
    ]


def test_opening_and_closing_can_fail() -> None:
    def factory(open_cache: Any) -> FastAPI:
        async def endpoint() -> list[str]:
            said = []
            for _ in range(2):
                try:
                    await (await open_cache()).close()
                except OSError as error:
                    said.append(str(error))
            return said

        return app_that(endpoint)

    cache = opens(in_turn(fails(1, text="not today"), takes(0)), close=fails(1, text="stuck"))
    assert body(play(factory, get("/"), open_cache=cache)) == ["not today", "stuck"]


def test_rows_can_fail_at_their_end() -> None:
    def factory(ticks: Any) -> FastAPI:
        async def endpoint() -> list[Any]:
            seen = []
            try:
                async for tick in ticks():
                    seen.append(tick)
            except ValueError as error:
                seen.append(str(error))
            return seen

        return app_that(endpoint)

    trace = play(factory, get("/"), ticks=rows([1, 2], raises="ValueError", text="broken"))
    assert body(trace) == [1, 2, "broken"]


def test_subscription_begins_after_its_argument_and_waits_in_the_end() -> None:
    import asyncio

    def factory(subscribe: Any) -> FastAPI:
        async def endpoint() -> list[Any]:
            seen = []
            try:
                async with asyncio.timeout(10):
                    async for number, event in subscribe(1):
                        seen.append([number, event])
            except TimeoutError:
                seen.append(["late"])
            return seen

        return app_that(endpoint)

    events = rows([(1, "a"), (2, "b"), (3, "c")], 1, after_argument=True, ends=False)
    trace = play(factory, get("/"), subscribe=events)
    assert body(trace) == [[2, "b"], [3, "c"], ["late"]]
    assert trace.exchanges[0].elapsed == 10.0
