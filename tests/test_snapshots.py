"""Where everything stands at each moment of a play."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

from grader import get, mongo, play, takes
from grader.model.trace import Trace
from grader.render.scrubber import scrubbable
from grader.render.snapshots import snapshots

Fetch = Callable[[], Awaitable[object]]


def sections(fetch_user: Fetch, fetch_orders: Fetch) -> FastAPI:
    app = FastAPI()

    @app.get("/in-turn")
    async def in_turn() -> None:
        await fetch_user()
        await fetch_orders()

    @app.get("/together")
    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fetch_user())  # type: ignore[arg-type]
            group.create_task(fetch_orders())  # type: ignore[arg-type]

    @app.get("/thread")
    def thread() -> None:
        time.sleep(1)

    @app.get("/blocks")
    async def blocks() -> None:
        time.sleep(1)

    return app


def played(path: str) -> Trace:
    return play(sections, get(path), fetch_user=takes(1), fetch_orders=takes(2))


def line_of(code: str) -> int:
    lines = enumerate(Path(__file__).read_text("utf-8").splitlines(), 1)
    return next(number for number, line in lines if line.strip().startswith(code))


def said(trace: Trace) -> dict[float, list[str]]:
    """What is said from each moment on, without the names of tasks."""
    return {
        one.at: [re.sub(r", (task \d+|thread)\b(?= at)", "", s) for s in one.says]
        for one in snapshots(trace)
    }


def test_each_wait_is_told_with_its_line_and_what_is_waited_for() -> None:
    user, orders = line_of("await fetch_user()"), line_of("await fetch_orders()")
    assert said(played("/in-turn")) == {
        0.0: [f"GET /in-turn at line {user}: waits for fetch_user"],
        1.0: [f"GET /in-turn at line {orders}: waits for fetch_orders"],
        3.0: ["GET /in-turn: answered 200"],
    }


def test_tasks_are_told_beside_what_waits_for_them() -> None:
    user, orders = line_of("group.create_task(fetch_user"), line_of("group.create_task(fetch_ord")
    waits = f"GET /together at line {line_of('async with')}: waits for the end of its TaskGroup"
    found = said(played("/together"))
    assert sorted(found[0.0]) == sorted(
        [
            waits,
            f"GET /together at line {user}: fetch_user is under way",
            f"GET /together at line {orders}: fetch_orders is under way",
        ]
    )
    assert found[1.0] == [waits, f"GET /together at line {orders}: fetch_orders is under way"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/thread", "time.sleep, in a worker thread"),
        ("/blocks", "time.sleep blocks the loop, so all others stand still"),
    ],
)
def test_threads_and_blocked_loops_are_told(path: str, words: str) -> None:
    assert said(played(path))[0.0][0].endswith(words)


def test_drivers_threads_are_left_out_and_what_they_ask_for_is_told() -> None:
    """Motor asks in a thread; others of its threads sleep, and look after the server."""

    def motor(url: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def find() -> None:
            client: Any = AsyncIOMotorClient(url)
            await client.get_default_database()["products"].find_one()
            client.close()

        return app

    first = said(play(motor, get("/"), url=mongo(0.25)))[0.0]
    assert "GET /, thread: find products is under way" in first
    assert not [sentence for sentence in first if "time.sleep" in sentence]


def test_picture_carries_its_moments_and_where_they_are_drawn() -> None:
    shown = scrubbable(played("/in-turn"))
    axis, moments = (
        json.loads(unescape(found)) for found in re.findall(r'data-\w+="([^"]*)"', shown)
    )
    assert [one[0] for one in moments] == [0.0, 1.0, 3.0]
    assert (axis[0][0], axis[-1][0]) == (0.0, 3.0)
    assert 0 < axis[0][1] < axis[-1][1] < 1
