"""A loop that is busy at one moment takes no time; one that only polls is given the next."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from grader import Trace, get, play


def trace_of(endpoint: Callable[..., Awaitable[Any]]) -> Trace:
    app = FastAPI()
    app.get("/")(endpoint)
    return play(app, get("/"))


def now() -> float:
    return asyncio.get_running_loop().time()


def later(seconds: float, act: Callable[..., object], *arguments: Any) -> None:
    asyncio.get_running_loop().call_later(seconds, act, *arguments)


# Who works takes no time


async def count_down() -> None:
    left = 3000
    while left:
        left -= 1
        await asyncio.sleep(0)


async def go_through_a_list() -> None:
    for _ in [None] * 3000:
        await asyncio.sleep(0)


async def number_things() -> None:
    for _ in enumerate([None] * 3000):
        await asyncio.sleep(0)


async def empty_a_list() -> None:
    things = [None] * 3000
    while things:
        things.pop()
        await asyncio.sleep(0)


class Box:
    left = 3000


async def empty_an_object() -> None:
    box = Box()
    while box.left:
        box.left -= 1
        await asyncio.sleep(0)


async def empty_a_class() -> None:
    Box.left = 3000
    while Box.left:
        Box.left -= 1
        await asyncio.sleep(0)


_left = 0


async def empty_the_module() -> None:
    global _left
    _left = 3000
    while _left:
        _left -= 1
        await asyncio.sleep(0)


async def read_a_generator() -> None:
    async def numbers() -> Any:
        for number in range(3000):
            yield number
            await asyncio.sleep(0)

    async for _ in numbers():
        pass


async def hand_things_over() -> None:
    queue: asyncio.Queue[None] = asyncio.Queue(maxsize=1)

    async def produce() -> None:
        for _ in range(1500):
            await queue.put(None)

    producer = asyncio.create_task(produce())
    for _ in range(1500):
        await queue.get()
    await producer


async def start_tasks() -> None:
    for _ in range(1500):
        await asyncio.create_task(asyncio.sleep(0))


@pytest.mark.parametrize(
    "work",
    [
        count_down,
        go_through_a_list,
        number_things,
        empty_a_list,
        empty_an_object,
        empty_a_class,
        empty_the_module,
        read_a_generator,
        hand_things_over,
        start_tasks,
    ],
)
def test_work_of_many_turns_takes_no_time(work: Callable[[], Awaitable[None]]) -> None:
    async def endpoint() -> float:
        async with asyncio.timeout(5):
            await work()
        return now()

    assert trace_of(endpoint).exchanges[0].text == "0.0"


def test_a_hundred_thousand_turns_take_no_time() -> None:
    async def endpoint() -> float:
        async with asyncio.timeout(5):
            for _ in range(100_000):
                await asyncio.sleep(0)
        return now()

    assert trace_of(endpoint).exchanges[0].text == "0.0"


def test_work_far_inside_of_a_big_app_takes_no_time() -> None:
    app = FastAPI()
    app.state.things = [[number] for number in range(10_000)]

    async def pass_on(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    for _ in range(5):
        app.middleware("http")(pass_on)

    @app.get("/")
    async def endpoint() -> float:
        async with asyncio.timeout(5):
            await start_tasks()
        return now()

    assert play(app, get("/")).exchanges[0].text == "0.0"


def test_a_stream_of_many_chunks_takes_no_time() -> None:
    async def endpoint() -> StreamingResponse:
        async def rows() -> Any:
            for _ in range(3000):
                yield "row\n"
                await asyncio.sleep(0)

        return StreamingResponse(rows())

    trace = trace_of(endpoint)
    assert len(trace.exchanges[0].chunks) == 3000
    assert trace.ended == 0


# Who polls waits


async def sleep_zero() -> None:
    task = asyncio.create_task(asyncio.sleep(3))
    while not task.done():
        await asyncio.sleep(0)


async def sleep_zero_and_count() -> None:
    asked, task = 0, asyncio.create_task(asyncio.sleep(3))
    while not task.done():
        asked += 1
        await asyncio.sleep(0)


async def wait_no_time() -> None:
    task = asyncio.create_task(asyncio.sleep(3))
    while not task.done():
        await asyncio.wait([task], timeout=0)


async def ask_a_queue() -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    later(3, queue.put_nowait, 1)
    while True:
        try:
            queue.get_nowait()
        except asyncio.QueueEmpty:
            await asyncio.sleep(0)
        else:
            return


async def look_at_the_time() -> None:
    later(3, int)
    while time.monotonic() < 3:
        await asyncio.sleep(0)


async def poll_in_two_tasks() -> None:
    flags: list[int] = []
    later(3, flags.append, 1)

    async def quickly() -> None:
        while not flags:
            await asyncio.sleep(0)

    async def slowly() -> None:
        while not flags:
            for _ in range(3):
                await asyncio.sleep(0)

    await asyncio.gather(quickly(), slowly())


async def call_soon_again_and_again() -> None:
    over = asyncio.Event()
    later(3, over.set)

    def again() -> None:
        if not over.is_set():
            asyncio.get_running_loop().call_soon(again)

    again()
    await over.wait()


POLLING = [
    sleep_zero,
    sleep_zero_and_count,
    wait_no_time,
    ask_a_queue,
    look_at_the_time,
    poll_in_two_tasks,
    call_soon_again_and_again,
]


@pytest.mark.parametrize("poll", POLLING)
def test_polling_goes_on_until_the_time_has_come(poll: Callable[[], Awaitable[None]]) -> None:
    async def endpoint() -> float:
        await poll()
        return now()

    assert trace_of(endpoint).exchanges[0].text == "3.0"


CLOCKS: list[Callable[[], Any]] = [
    time.monotonic,
    time.time,
    time.perf_counter,
    time.time_ns,
    now,
    anyio.current_time,
    datetime.now,
    lambda: datetime.now(UTC),
    datetime.utcnow,
]


async def look_at(clock: Callable[[], Any]) -> float:
    """Look at a clock until half a second has passed on it."""
    start = clock()
    half = timedelta(seconds=0.5) if isinstance(start, datetime) else 0.5
    half = 500_000_000 if isinstance(start, int) else half
    while clock() - start < half:
        await asyncio.sleep(0)
    return now()


@pytest.mark.filterwarnings("ignore:.*utcnow:DeprecationWarning")
@pytest.mark.parametrize("clock", CLOCKS)
def test_who_only_looks_at_a_clock_sees_time_pass(clock: Callable[[], Any]) -> None:
    async def endpoint() -> float:
        return await look_at(clock)

    assert 0.5 <= float(trace_of(endpoint).exchanges[0].text) <= 0.501


def test_who_only_looks_at_a_clock_does_not_wait_for_the_timers_of_others() -> None:
    async def endpoint() -> float:
        later(50, int)
        return await look_at(time.monotonic)

    assert trace_of(endpoint).exchanges[0].text == "0.5"


def test_who_looks_at_a_clock_while_others_work_takes_no_time() -> None:
    async def endpoint() -> list[float]:
        async def work() -> float:
            await asyncio.sleep(0.1)
            for _ in range(1000):
                await asyncio.sleep(0)
            return now()

        worker = asyncio.create_task(work())
        return [await look_at(time.monotonic), worker.result()]

    assert trace_of(endpoint).exchanges[0].json() == [0.5, 0.1]


def test_polling_in_a_loop_of_a_thread_goes_on_until_the_time_has_come() -> None:
    async def main() -> float:
        await sleep_zero()
        return now()

    app = FastAPI()
    app.get("/")(lambda: asyncio.run(main()))
    assert play(app, get("/")).exchanges[0].text == "3.0"


def test_work_beside_a_poll_is_done_before_time_passes() -> None:
    async def endpoint() -> list[float]:
        async def work() -> float:
            await count_down()
            return now()

        worker = asyncio.create_task(work())
        await sleep_zero()
        return [worker.result(), now()]

    assert trace_of(endpoint).exchanges[0].json() == [0.0, 3.0]


def test_polling_for_what_never_comes_runs_away_at_its_line() -> None:
    async def endpoint() -> None:
        flag = False
        while not flag:
            await asyncio.sleep(0)

    outcome = trace_of(endpoint).outcome
    assert outcome.kind == "ran-away"
    assert outcome.line == endpoint.__code__.co_firstlineno + 3
