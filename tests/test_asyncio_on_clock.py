"""What programs do with asyncio and anyio, on the clock: each answers, and takes its time."""

from __future__ import annotations

import asyncio
import contextvars
import datetime
import gc
import math
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI, Request

from grader import get, play


def answer(endpoint: Callable[..., Awaitable[Any]]) -> Any:
    """What an endpoint answers to one request."""
    app = FastAPI()
    app.get("/")(endpoint)
    trace = play(app, get("/"))
    assert trace.outcome.kind == "finished", trace.outcome
    assert trace.exchanges[0].status == 200, trace.exchanges[0].raised
    return trace.exchanges[0].json()


def now() -> float:
    return asyncio.get_running_loop().time()


# Timeouts


def test_timeouts_go_off_at_their_moment() -> None:
    async def endpoint() -> list[float]:
        moments = []
        for limit in (asyncio.timeout(1), asyncio.timeout_at(now() + 3), asyncio.timeout(0)):
            with suppress(TimeoutError):
                async with limit:
                    await asyncio.sleep(10)
            moments.append(now())
        return moments

    assert answer(endpoint) == [1.0, 3.0, 3.0]


def test_a_timeout_can_be_put_off_and_brought_forward() -> None:
    async def endpoint() -> list[float]:
        moments = []
        with suppress(TimeoutError):
            async with asyncio.timeout(1) as limit:
                limit.reschedule(now() + 3)
                await asyncio.sleep(10)
        moments.append(now())
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as limit:
                limit.reschedule(now() - 1)
                await asyncio.sleep(10)
        moments.append(now())
        return moments

    assert answer(endpoint) == [3.0, 3.0]


def test_the_inner_of_two_timeouts_goes_off_first() -> None:
    async def endpoint() -> list[Any]:
        seen = []
        try:
            async with asyncio.timeout(3):
                try:
                    async with asyncio.timeout(1):
                        await asyncio.sleep(10)
                except TimeoutError:
                    seen.append(["inner", now()])
                await asyncio.sleep(10)
        except TimeoutError:
            seen.append(["outer", now()])
        return seen

    assert answer(endpoint) == [["inner", 1.0], ["outer", 3.0]]


def test_deadlines_of_anyio_are_virtual() -> None:
    async def endpoint() -> list[Any]:
        with anyio.move_on_after(2) as moved:
            await anyio.sleep(10)
        with anyio.CancelScope(deadline=anyio.current_time() + 1) as scope:
            scope.deadline += 1.5
            await anyio.sleep(10)
        with pytest.raises(TimeoutError), anyio.fail_after(1):
            await anyio.sleep_forever()
        assert math.isinf(anyio.current_effective_deadline())
        return [moved.cancelled_caught, scope.cancelled_caught, anyio.current_time()]

    assert answer(endpoint) == [True, True, 5.5]


def test_a_shielded_scope_outlives_its_deadline() -> None:
    async def endpoint() -> float:
        with anyio.move_on_after(1), anyio.CancelScope(shield=True):
            await anyio.sleep(2)
        return now()

    assert answer(endpoint) == 2.0


# Tasks


def test_nested_groups_cancel_each_other_at_once() -> None:
    async def endpoint() -> list[Any]:
        seen: list[Any] = []

        async def work(name: str) -> None:
            try:
                await asyncio.sleep(5)
            finally:
                seen.append([name, now()])

        async def fail() -> None:
            await asyncio.sleep(1)
            raise ValueError

        with suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as outer:
                outer.create_task(work("outer"))
                async with asyncio.TaskGroup() as inner:
                    inner.create_task(work("inner"))
                    inner.create_task(fail())
        return seen

    assert answer(endpoint) == [["inner", 1.0], ["outer", 1.0]]


def test_the_first_to_finish_is_the_fastest() -> None:
    async def endpoint() -> list[Any]:
        async def takes(seconds: float) -> float:
            await asyncio.sleep(seconds)
            return seconds

        tasks = [asyncio.create_task(takes(s)) for s in (3, 1, 2)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = [task.result() for task in done]
        return [first, [await call for call in asyncio.as_completed(tasks)], now()]

    first, rest, moment = answer(endpoint)
    assert (first, sorted(rest), moment) == ([1], [1, 2, 3], 3.0)


def test_a_shield_lets_the_work_go_on() -> None:
    async def endpoint() -> list[float]:
        work = asyncio.create_task(asyncio.sleep(3, "done"))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), 1)
        given_up = now()
        assert await work == "done"
        return [given_up, now()]

    assert answer(endpoint) == [1.0, 3.0]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_eager_tasks_start_at_once() -> None:
    async def endpoint() -> list[Any]:
        order: list[str] = []

        async def work() -> None:
            order.append("started")
            await asyncio.sleep(1)

        loop = asyncio.get_running_loop()
        loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        task = loop.create_task(work())
        order.append("made")
        await task
        return [*order, now()]

    assert answer(endpoint) == ["started", "made", 1.0]


def test_context_follows_timers_and_tasks() -> None:
    language: contextvars.ContextVar[str] = contextvars.ContextVar("language", default="en")

    async def endpoint() -> list[str]:
        seen: list[str] = []
        language.set("fi")
        asyncio.get_running_loop().call_later(1, lambda: seen.append(language.get()))
        child = asyncio.create_task(asyncio.sleep(0, language.get()))
        language.set("sv")
        await asyncio.sleep(2)
        return [*seen, await child, language.get()]

    assert answer(endpoint) == ["fi", "fi", "sv"]


def test_tasks_keep_the_names_that_they_are_given() -> None:
    async def endpoint() -> list[str]:
        async def name() -> str:
            task = asyncio.current_task()
            assert task is not None
            return task.get_name()

        async with asyncio.TaskGroup() as group:
            task = group.create_task(name(), name="in a group")
        return [await asyncio.create_task(name(), name="alone"), task.result()]

    assert answer(endpoint) == ["alone", "in a group"]


def test_the_coroutine_of_a_task_can_be_looked_at() -> None:
    async def endpoint() -> list[str]:
        task = asyncio.create_task(asyncio.sleep(1))
        await asyncio.sleep(0)
        stack = [frame.f_code.co_name for frame in task.get_stack()]
        coroutine = task.get_coro()
        return [*stack, getattr(coroutine, "__name__", ""), repr(task).split()[0], await task or ""]

    assert answer(endpoint) == ["sleep", "sleep", "<Task", ""]


# What tasks share


def test_queues_locks_and_the_like_wake_their_waiters_at_the_right_moment() -> None:
    async def endpoint() -> list[Any]:
        queue: asyncio.Queue[int | None] = asyncio.Queue(maxsize=1)
        condition, semaphore = asyncio.Condition(), asyncio.Semaphore(2)
        barrier, event = asyncio.Barrier(2), asyncio.Event()
        seen: list[Any] = []

        async def produce() -> None:
            for number in (0, 1, None):
                await queue.put(number)
            seen.append(["all put", now()])

        async def consume() -> None:
            while await queue.get() is not None:
                await asyncio.sleep(0.5)
            seen.append(["all taken", now()])

        async def at_most_two() -> None:
            async with semaphore:
                await asyncio.sleep(1)

        async def wait_for_condition() -> None:
            async with condition:
                await condition.wait_for(event.is_set)
            seen.append(["noticed", now()])

        async def notify() -> None:
            await asyncio.sleep(5)
            event.set()
            async with condition:
                condition.notify_all()

        async def meet(seconds: float) -> None:
            await asyncio.sleep(seconds)
            await barrier.wait()
            seen.append(["met", now()])

        calls = [produce(), consume(), wait_for_condition(), notify(), meet(1), meet(4)]
        await asyncio.gather(*calls, *(at_most_two() for _ in range(5)))
        return sorted(seen, key=lambda entry: (entry[1], entry[0]))

    assert answer(endpoint) == [
        ["all put", 0.5],
        ["all taken", 1.0],
        ["met", 4.0],
        ["met", 4.0],
        ["noticed", 5.0],
    ]


def test_an_anyio_stream_hands_things_over_in_time() -> None:
    async def endpoint() -> list[float]:
        send, receive = anyio.create_memory_object_stream[float](1)
        async with anyio.create_task_group() as group, receive:

            async def produce() -> None:
                async with send:
                    for _ in range(3):
                        await anyio.sleep(1)
                        await send.send(now())

            group.start_soon(produce)
            return [sent async for sent in receive]

    assert answer(endpoint) == [1.0, 2.0, 3.0]


# Generators


async def numbers(closed: list[float]) -> AsyncIterator[int]:
    try:
        for number in range(10):
            await asyncio.sleep(1)
            yield number
    finally:
        await asyncio.sleep(0.5)
        closed.append(now())


def test_a_generator_that_is_closed_cleans_up_at_once() -> None:
    async def endpoint() -> list[float]:
        closed: list[float] = []
        async with aclosing(numbers(closed)) as source:
            async for _ in source:
                break
        return [*closed, now()]

    assert answer(endpoint) == [1.5, 1.5]


def test_a_generator_that_is_dropped_cleans_up_when_it_is_collected() -> None:
    async def endpoint() -> list[float]:
        closed: list[float] = []
        async for _ in numbers(closed):
            break
        gc.collect()
        await asyncio.sleep(1)
        return closed

    assert answer(endpoint) == [1.5]


# The loop itself


def test_debug_mode_changes_no_time() -> None:
    async def endpoint() -> float:
        asyncio.get_running_loop().set_debug(True)
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
        return now()

    assert answer(endpoint) == 2.0


def test_a_loop_within_the_loop_is_refused_as_ever() -> None:
    async def endpoint() -> list[str]:
        messages = []
        sleep = asyncio.sleep(1)
        for run in (asyncio.run, asyncio.get_running_loop().run_until_complete):
            with pytest.raises(RuntimeError) as caught:
                run(sleep)
            messages.append(str(caught.value))
        sleep.close()
        return messages

    assert answer(endpoint) == [
        "asyncio.run() cannot be called from a running event loop",
        "This event loop is already running",
    ]


def test_a_loop_that_is_made_and_closed_takes_nothing_from_the_one_that_runs() -> None:
    async def endpoint() -> list[float]:
        asyncio.new_event_loop().close()
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Timer(2, lambda: loop.call_soon_threadsafe(event.set)).start()
        await event.wait()
        return [now()]

    assert answer(endpoint) == [2.0]


def test_many_timers_of_all_kinds_go_off_in_order() -> None:
    async def endpoint() -> list[float]:
        gone: list[float] = []
        loop = asyncio.get_running_loop()
        for number in range(500):
            handle = loop.call_later(number * 7 % 50 / 10, lambda: gone.append(now()))
            if number % 3 == 0:
                handle.cancel()
        await asyncio.sleep(5)
        assert gone == sorted(gone)
        return [len(gone), gone[0], gone[-1]]

    assert answer(endpoint) == [333, 0.0, 4.9]


def test_a_stopwatch_of_ones_own_agrees() -> None:
    async def endpoint() -> list[float]:
        start = time.perf_counter(), time.time(), datetime.datetime.now(datetime.UTC)
        await asyncio.sleep(0.3)
        since = datetime.datetime.now(datetime.UTC) - start[2]
        return [time.perf_counter() - start[0], time.time() - start[1], since.total_seconds()]

    perf, wall, date = answer(endpoint)
    assert (perf, date) == (0.3, 0.3)
    assert wall == pytest.approx(0.3, abs=1e-6)


# The world outside


def test_a_server_and_its_client_can_share_the_loop() -> None:
    async def endpoint() -> list[Any]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = await reader.readline()
            await asyncio.sleep(0.5)
            writer.write(line.upper())
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"hello\n")
            answered = await asyncio.wait_for(reader.read(), 2)
            writer.close()
            await writer.wait_closed()
        return [answered.decode(), now()]

    assert answer(endpoint) == ["HELLO\n", 0.5]


def test_an_app_can_be_called_through_httpx() -> None:
    inner = FastAPI()

    @inner.get("/slow")
    async def slow() -> float:
        await asyncio.sleep(2)
        return now()

    async def endpoint(request: Request) -> list[Any]:
        transport = httpx.ASGITransport(inner)
        async with httpx.AsyncClient(transport=transport, base_url="http://inner") as client:
            calls = await asyncio.gather(client.get("/slow"), client.get("/slow"))
        return [call.json() for call in calls]

    assert answer(endpoint) == [2.0, 2.0]


def test_a_name_can_be_looked_up() -> None:
    async def endpoint() -> list[float]:
        found = await asyncio.wait_for(asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80), 5)
        return [len(found) > 0, now()]

    assert answer(endpoint) == [True, 0.0]


def test_a_program_runs_in_no_virtual_time() -> None:
    async def endpoint() -> list[Any]:
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "print(input() * 2)", stdin=-1, stdout=-1
        )
        out, _ = await asyncio.wait_for(program.communicate(b"ab\n"), 0.001)
        return [out.decode(), program.returncode, time.monotonic()]

    app = FastAPI()
    app.get("/")(endpoint)
    trace = play(app, get("/"))
    assert trace.exchanges[0].json() == ["abab\n", 0, 0.0]
    assert trace.incidents == ()


def test_a_program_that_cannot_be_started_does_not_hold_the_clock() -> None:
    async def endpoint() -> float:
        with suppress(FileNotFoundError):
            await asyncio.create_subprocess_exec("/no/such/program")
        await asyncio.sleep(1)
        return time.monotonic()

    assert answer(endpoint) == 1.0


def test_other_processes_compute_in_no_virtual_time() -> None:
    script = """
        import asyncio, math, multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        from fastapi import FastAPI
        from grader import get, play

        app = FastAPI()

        @app.get("/")
        async def endpoint():
            loop = asyncio.get_running_loop()
            with ProcessPoolExecutor(1) as pool:
                return [await loop.run_in_executor(pool, math.sqrt, 4), loop.time()]

        print(play(app, get("/")).exchanges[0].text)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    assert run.stdout == "[2.0,0.0]\n"
