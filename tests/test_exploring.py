"""Exploring: every order that asyncio leaves open, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from grader import explore, get, post, takes
from grader.model.errors import UsageError
from grader.model.trace import Trace


def shop(*, locked: bool) -> Any:
    """A factory whose app sells what it has, with a wait between looking and taking."""

    def factory(look: Any) -> FastAPI:
        app = FastAPI()
        left = [1]
        lock = asyncio.Lock()

        async def take() -> bool:
            before = left[0]
            await look()
            left[0] = before - 1
            return before > 0

        @app.post("/buy")
        async def buy() -> bool:
            if not locked:
                return await take()
            async with lock:
                return await take()

        return app

    return factory


def order_of(names: str) -> Any:
    """A factory whose app remembers in which order its requests came to their end."""

    def factory(work: Any) -> FastAPI:
        app = FastAPI()
        order: list[str] = []

        @app.get("/order")
        async def read() -> str:
            return "".join(order)

        @app.get("/{name}")
        async def run(name: str) -> None:
            await work()
            order.append(name)

        return app

    return factory


def last(trace: Trace) -> str:
    return trace.exchanges[-1].text


def bodies(trace: Trace) -> tuple[str, ...]:
    return tuple(sorted(exchange.text for exchange in trace.exchanges))


def test_three_that_are_due_together_have_six_orders_and_each_is_played_once() -> None:
    apart = [get("/a", at=0), get("/b", at=0.5), get("/c", at=0.7)]
    work = takes(1)
    found = explore(order_of("abc"), *apart, get("/order", at=5), work=work, by=last)
    assert (found.orders, found.is_complete, found.has_race) == (1, True, False)

    def together(work: Any) -> FastAPI:
        app: FastAPI = order_of("abc")(work)
        return app

    at_once = [get(f"/{name}", at=1) for name in "abc"]
    found = explore(together, *at_once, get("/order", at=5), work=takes(0), by=last)
    assert found.is_complete
    assert {seen.value for seen in found.seen} == {
        f'"{order}"' for order in ("abc", "acb", "bac", "bca", "cab", "cba")
    }


def test_race_is_found_and_shown() -> None:
    buyers = [post("/buy", at=1), post("/buy", at=1)]
    late = post("/buy", at=1.5)
    found = explore(shop(locked=False), *buyers, late, look=takes(0.5), by=bodies)
    assert found.is_complete
    assert found.has_race
    assert "a race: 2 different results in all" in str(found)
    assert "POST /buy" in str(found)
    with pytest.raises(AssertionError, match="a race"):
        found.assert_no_race()


def test_absence_of_a_race_is_proved_in_all_orders() -> None:
    buyers = [post("/buy", at=1), post("/buy", at=1)]
    found = explore(shop(locked=True), *buyers, post("/buy", at=1.5), look=takes(0.5), by=bodies)
    found.assert_no_race()
    assert found.is_complete
    assert str(found) == f"no race in all {found.orders} orders"
    assert found.orders > 1


def test_bound_is_kept_and_said() -> None:
    many = [get(f"/{number}", at=1) for number in range(8)]
    found = explore(order_of(""), *many, work=takes(1), limit=20, by=bodies)
    assert (found.orders, found.is_complete) == (20, False)
    assert str(found) == "no race in the first 20 orders"


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="limit=0"):
        explore(order_of(""), get("/a"), work=takes(1), limit=0)
