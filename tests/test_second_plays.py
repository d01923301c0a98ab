"""A second play of the same app is like a server that is started again."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI

from grader import get, play, reply, scenario, times, upstream
from grader.model.trace import Trace


def app_of(endpoint: Callable[[], Coroutine[Any, Any, Any]]) -> FastAPI:
    app = FastAPI()
    app.get("/")(endpoint)
    return app


def seen(trace: Trace) -> list[tuple[str, int | None, float | None]]:
    return [(trace.outcome.kind, e.status, e.elapsed) for e in trace.exchanges]


@pytest.mark.parametrize(
    "make",
    [
        asyncio.Lock,
        asyncio.Condition,
        lambda: asyncio.Semaphore(1),
        lambda: asyncio.BoundedSemaphore(1),
        anyio.Lock,
        lambda: anyio.Semaphore(1),
        lambda: anyio.CapacityLimiter(1),
        anyio.Condition,
    ],
)
def test_a_lock_at_module_level_that_is_waited_for_works_in_each_play(
    make: Callable[[], AbstractAsyncContextManager[Any]],
) -> None:
    lock = make()

    async def endpoint() -> None:
        async with lock:
            await asyncio.sleep(1)

    app = app_of(endpoint)
    for _ in range(3):
        trace = play(app, times(3, get("/")))
        assert seen(trace) == [
            ("finished", 200, 1.0),
            ("finished", 200, 2.0),
            ("finished", 200, 3.0),
        ]


@pytest.mark.parametrize(
    "make", [asyncio.Lock, lambda: asyncio.Semaphore(1), anyio.Lock, lambda: anyio.Semaphore(1)]
)
def test_a_lock_that_a_stuck_play_held_is_free_in_the_next(
    make: Callable[[], AbstractAsyncContextManager[Any]],
) -> None:
    lock, is_first = make(), [True]

    async def endpoint() -> None:
        async with lock:
            if is_first[0]:
                await asyncio.Event().wait()
            await asyncio.sleep(1)

    app = app_of(endpoint)
    assert play(app, times(2, get("/"))).outcome.kind == "stuck"
    is_first[0] = False
    assert seen(play(app, times(2, get("/")))) == [("finished", 200, 1.0), ("finished", 200, 2.0)]


def test_what_a_stuck_play_begins_when_it_is_broken_off_is_closed_with_it() -> None:
    """Some libraries close a connection in a task of their own, whatever ends the block."""
    closings: list[Coroutine[Any, Any, None]] = []

    async def shut() -> None:
        raise AssertionError("nothing runs any more")

    async def endpoint() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closings.append(shut())
            await asyncio.create_task(closings[-1])

    assert seen(play(app_of(endpoint), get("/"))) == [("stuck", None, None)]
    assert [inspect.getcoroutinestate(one) for one in closings] == [inspect.CORO_CLOSED]


def test_events_and_queues_at_module_level_work_in_each_play() -> None:
    event, jobs = asyncio.Event(), asyncio.Queue[int](maxsize=1)
    app = FastAPI()

    @app.get("/wait")
    async def wait() -> int:
        await event.wait()
        event.clear()
        return await jobs.get()

    @app.get("/go")
    async def go() -> None:
        event.set()
        await asyncio.sleep(1)
        for number in range(2):
            await jobs.put(number)
        await jobs.get()

    for _ in range(3):
        trace = play(app, get("/wait"), get("/go", at=1))
        assert [exchange.elapsed for exchange in trace.exchanges] == [2.0, 1.0]


def test_a_lock_that_another_closed_loop_has_left_works_in_a_play() -> None:
    lock = asyncio.Lock()

    async def endpoint() -> None:
        async with lock:
            await asyncio.sleep(0.01)

    async def both() -> None:
        await asyncio.gather(endpoint(), endpoint())

    asyncio.run(both())
    assert seen(play(app_of(both), get("/"))) == [("finished", 200, 0.02)]


def test_without_a_play_a_lock_stays_bound_to_its_loop() -> None:
    lock = asyncio.Lock()

    async def both() -> None:
        async def one() -> None:
            async with lock:
                await asyncio.sleep(0)

        await asyncio.gather(one(), one())

    asyncio.run(both())
    play(app_of(asyncio.Event().wait), scenario())
    with pytest.raises(RuntimeError, match="different event loop"):
        asyncio.run(both())


def test_a_pool_of_threads_at_module_level_works_in_each_play() -> None:
    pool = ThreadPoolExecutor(2)

    async def endpoint() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.gather(*[loop.run_in_executor(pool, time.sleep, 1) for _ in range(4)])

    app = app_of(endpoint)
    assert [seen(play(app, get("/"))) for _ in range(3)] == [[("finished", 200, 2.0)]] * 3
    pool.shutdown()


def test_a_client_at_module_level_works_in_each_play() -> None:
    client = httpx.AsyncClient()

    def factory(base_url: str) -> FastAPI:
        async def endpoint() -> int:
            return (await client.get(f"{base_url}/x")).status_code

        return app_of(endpoint)

    what = upstream({"/x": reply(1)})
    for _ in range(3):
        trace = play(factory, get("/"), get("/", at=2), base_url=what)
        assert seen(trace) == [("finished", 200, 1.0), ("finished", 200, 1.0)]


class Worker:
    """A connection of a library's that works in a thread of its own, as aiosqlite has them."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def do(self, job: Callable[[], Any]) -> Any:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        done = asyncio.get_running_loop().create_future()
        self._jobs.put((job, done))
        return await done

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            job, done = item
            done.get_loop().call_soon_threadsafe(done.set_result, job())

    def stop(self) -> None:
        self._jobs.put(None)


@pytest.mark.parametrize("job", [lambda: sum(range(300_000)), lambda: time.sleep(2)])
def test_a_thread_at_module_level_works_for_each_play(job: Callable[[], Any]) -> None:
    worker = Worker()

    async def endpoint() -> None:
        await worker.do(job)
        await asyncio.sleep(1)

    app = app_of(endpoint)
    first = seen(play(app, get("/")))
    assert [seen(play(app, get("/"))) for _ in range(3)] == [first] * 3
    worker.stop()
