"""The life of an app in a play: how it begins and ends, and what is seen of that."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, HTTPException

from grader import Trace, get, in_turn, opens, play, scenario, takes
from grader.judge.aspects.answers import has_header
from grader.judge.aspects.calls import lifespan_order, most_calls
from grader.judge.aspects.connections import startup_time, stops_when_done
from grader.judge.aspects.logs import failures_logged
from grader.judge.owners import with_owners
from grader.model.collaborators import fails
from grader.model.scenarios import LifespanEnd

ENDS: tuple[LifespanEnd, ...] = ("cancelled", "broken")


def living(life: Callable[[FastAPI], AsyncIterator[None]]) -> FastAPI:
    return FastAPI(lifespan=asynccontextmanager(life))


@pytest.mark.parametrize(("end", "seen"), [(ENDS[0], "CancelledError"), (ENDS[1], "RuntimeError")])
def test_what_ends_a_life_comes_out_of_the_yield(end: LifespanEnd, seen: str) -> None:
    """That is the server's doing, and no failure of the app's."""
    errors = []

    async def life(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            errors.append(type(error).__name__)
            raise

    trace = play(living(life), scenario(get("/"), lifespan_end=end))
    assert (errors, trace.outcome.kind, trace.incidents) == ([seen], "finished", ())


@pytest.mark.parametrize("end", ENDS)
def test_a_group_of_nothing_else_is_the_servers_doing_too(end: LifespanEnd) -> None:
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.sleep(1))
            yield
            await task

    assert play(living(life), scenario(lifespan_end=end)).incidents == ()


@pytest.mark.parametrize("end", ENDS)
def test_an_error_of_the_apps_own_at_its_end_is_told(end: LifespanEnd) -> None:
    async def life(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            raise OSError("does not close")

    trace = play(living(life), scenario(lifespan_end=end))
    assert [incident.kind for incident in trace.incidents] == ["lifespan-failed"]


def asyncio_style(poll: Any) -> FastAPI:
    async def life(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(poll())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return living(life)


def anyio_style(poll: Any) -> FastAPI:
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            group.start_soon(poll)
            yield
            group.cancel_scope.cancel()

    return living(life)


@pytest.mark.parametrize("make", [asyncio_style, anyio_style])
def test_a_cancelled_call_takes_its_time_to_clean_up(make: Any) -> None:
    trace = play(make, scenario(get("/", at=1), poll=takes(9, cleanup=2), drain=0))
    assert [(call.how, call.end.seconds) for call in trace.calls()] == [("cancelled", 3.0)]


def test_an_error_without_words_is_named_by_its_class_alone() -> None:
    async def life(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(asyncio.sleep(9))
        yield
        task.cancel()
        await task

    trace = play(living(life), get("/"), drain=0)
    assert [incident.detail for incident in trace.incidents] == ["CancelledError"]


def test_polls_are_for_no_request_and_the_work_of_a_queue_is() -> None:
    """What runs before anyone has asked isn't drawn below those who ask later."""

    def make(poll: Any, work: Any) -> FastAPI:
        queue: asyncio.Queue[str] = asyncio.Queue()

        async def serve() -> None:
            while True:
                await queue.get()
                await work()

        async def keep_polling() -> None:
            while True:
                await poll()

        async def life(app: FastAPI) -> AsyncIterator[None]:
            tasks = [asyncio.create_task(each()) for each in (serve, keep_polling)]
            yield
            for task in tasks:
                task.cancel()

        app = living(life)

        @app.get("/")
        async def put() -> None:
            queue.put_nowait("a job")

        return app

    requests = [get("/", at=at) for at in (1, 9)]
    trace = with_owners(play(make, *requests, poll=takes(2), work=takes(1), drain=0))
    assert {call.exchange for call in trace.calls("poll")} == {None}
    assert [call.exchange for call in trace.calls("work")] == [0, 1]


def test_order_of_a_life_is_seen_with_its_stages() -> None:
    def make(first: Any, second: Any) -> FastAPI:
        async def life(app: FastAPI) -> AsyncIterator[None]:
            one, other = await asyncio.gather(first(), second())
            yield
            await one.close()
            await other.close()

        return living(life)

    trace = play(make, get("/"), first=opens(1, close=1), second=opens(2, close=1))
    beside, end = "before the app takes requests, beside another call, done", "at the end, done"
    assert lifespan_order(trace) == (
        ("first", beside),
        ("second", beside),
        ("first.close", end),
        ("second.close", end),
    )
    assert startup_time(trace) == (2_000_000,)
    assert stops_when_done(trace) == (True,)


def test_a_failure_is_logged_if_more_is_said_than_of_a_success() -> None:
    def make(work: Any, words: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            try:
                await work()
            except OSError:
                logging.getLogger("app.part").info(words["failed"])
            logging.getLogger("app").info("over")

        return app

    def told(text: str) -> tuple[bool, ...]:
        work = in_turn(takes(1), fails(1, "OSError"))
        trace = play(lambda work: make(work, {"failed": text}), get("/"), get("/", at=5), work=work)
        return tuple(failures_logged("app", of="work")(trace))

    assert (told("it failed"), told("over")) == ((True,), (False,))


def test_header_and_crowd_are_seen() -> None:
    def make(work: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            await work()
            raise HTTPException(503, headers={"Retry-After": "5"})

        return app

    trace: Trace = play(make, get("/"), get("/", at=0.5), get("/", at=3), work=takes(1))
    assert has_header("Retry-After")(trace) == ((503, True),) * 3
    assert has_header("Retry-After", 200)(trace) == ()
    assert most_calls("work")(trace) == (2,)
