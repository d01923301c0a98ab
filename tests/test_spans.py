"""Spans: each wait of the learner's code, with its line, its moments, and how it ended."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse

from grader import Span, Trace, get, play, takes, times

SOURCE = Path(__file__).read_text("utf-8").splitlines()


def line(mark: str) -> int:
    """The number of the line of this file that ends with `# mark`."""
    (number,) = [n for n, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}")]
    return number


def trace_of(endpoint: Callable[..., Any], *requests: Any, **options: Any) -> Trace:
    app = FastAPI()
    app.get("/")(endpoint)
    return play(app, *(requests or [get("/")]), **options)


Row = tuple[str, int | None, float, float, str]


def rows_of(trace: Trace, kind: str = "wait") -> list[Row]:
    """Name, line, from, to and end of the spans of a kind, in order of starting."""
    return [row(span) for span in trace.spans if span.kind == kind]


def row(span: Span) -> Row:
    return span.name, span.line, span.start.seconds, span.end.seconds, span.how


async def nap(seconds: float) -> float:
    await asyncio.sleep(seconds)  # nap
    return seconds


# Where a wait is


def test_a_wait_has_the_innermost_line_of_ones_own() -> None:
    async def endpoint() -> None:
        await asyncio.sleep(0.5)  # plain
        await nap(1)

    assert rows_of(trace_of(endpoint)) == [
        ("sleep", line("plain"), 0.0, 0.5, "done"),
        ("sleep", line("nap"), 0.5, 1.5, "done"),
    ]


def test_a_wait_is_found_through_an_async_generator() -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            await asyncio.sleep(1)  # in the generator
            yield number

    async def endpoint() -> list[int]:
        return [number async for number in numbers()]

    assert rows_of(trace_of(endpoint)) == [
        ("sleep", line("in the generator"), 0.0, 1.0, "done"),
        ("sleep", line("in the generator"), 1.0, 2.0, "done"),
    ]


def test_a_wait_is_found_in_a_stream_and_in_what_it_reads() -> None:
    async def lines() -> AsyncIterator[str]:
        async for number in source():
            await asyncio.sleep(0.5)  # formatting
            yield f"{number}\n"

    async def source() -> AsyncIterator[int]:
        await asyncio.sleep(1)  # reading
        yield 1

    async def endpoint() -> StreamingResponse:
        return StreamingResponse(lines())

    assert rows_of(trace_of(endpoint)) == [
        ("sleep", line("reading"), 0.0, 1.0, "done"),
        ("sleep", line("formatting"), 1.0, 1.5, "done"),
    ]


def test_a_wait_is_found_in_a_context_manager_and_in_a_dependency() -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        await asyncio.sleep(1)  # entering
        yield
        await asyncio.sleep(2)  # leaving

    async def dependency() -> AsyncIterator[None]:
        async with opened():
            yield

    async def endpoint(given: None = Depends(dependency)) -> None: ...

    assert rows_of(trace_of(endpoint)) == [
        ("sleep", line("entering"), 0.0, 1.0, "done"),
        ("sleep", line("leaving"), 1.0, 3.0, "done"),
    ]


def test_a_wait_is_found_in_an_awaitable_of_ones_own() -> None:
    class Later:
        def __await__(self) -> Any:
            yield from asyncio.sleep(1).__await__()  # in __await__
            return 1

    async def endpoint() -> int:
        return await Later()

    assert rows_of(trace_of(endpoint)) == [("sleep", line("in __await__"), 0.0, 1.0, "done")]


def test_a_wait_is_found_in_background_work_that_is_ones_own() -> None:
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(nap, 2)

    assert rows_of(trace_of(endpoint)) == [("sleep", line("nap"), 0.0, 2.0, "done")]


# Tasks


def test_gather_is_one_wait_and_a_task_for_each() -> None:
    async def endpoint() -> None:
        await asyncio.gather(nap(1), nap(2))  # gather

    trace = trace_of(endpoint)
    assert rows_of(trace) == [
        ("gather", line("gather"), 0.0, 2.0, "done"),
        ("sleep", line("nap"), 0.0, 1.0, "done"),
        ("sleep", line("nap"), 0.0, 2.0, "done"),
    ]
    assert rows_of(trace, "task") == [
        ("nap", line("gather"), 0.0, 1.0, "done"),
        ("nap", line("gather"), 0.0, 2.0, "done"),
    ]


def test_a_task_group_waits_at_its_block_and_has_a_task_for_each() -> None:
    async def endpoint() -> None:
        async with asyncio.TaskGroup() as group:  # group
            group.create_task(nap(1))  # first
            group.create_task(nap(2))  # second

    trace = trace_of(endpoint)
    assert rows_of(trace, "task") == [
        ("nap", line("first"), 0.0, 1.0, "done"),
        ("nap", line("second"), 0.0, 2.0, "done"),
    ]
    waits = [wait for wait in rows_of(trace) if wait[1] != line("nap")]
    assert {wait[:2] for wait in waits} == {("TaskGroup.__aexit__", line("group"))}
    assert (waits[0][2], waits[-1][3]) == (0.0, 2.0)


def test_an_anyio_task_group_has_a_task_for_each() -> None:
    async def endpoint() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(nap, 1)  # started soon
            group.start_soon(nap, 2)

    spans = rows_of(trace_of(endpoint), "task")
    assert [span[2:] for span in spans] == [(0.0, 1.0, "done"), (0.0, 2.0, "done")]
    assert spans[0][1] == line("started soon")


def test_wait_for_waits_until_its_time_is_up() -> None:
    async def endpoint() -> None:
        try:
            await asyncio.wait_for(nap(5), 2)  # at most two seconds
        except TimeoutError:
            await asyncio.sleep(1)

    trace = trace_of(endpoint)
    waits = rows_of(trace)
    if sys.version_info >= (3, 12):  # it makes no task any more: the wait is within
        assert waits[0] == ("sleep", line("nap"), 0.0, 2.0, "cancelled")
    else:
        assert waits[0] == ("wait_for", line("at most two seconds"), 0.0, 2.0, "done")
        assert rows_of(trace, "task")[0][4] == "cancelled"
    assert trace.exchanges[0].elapsed == 3.0


def test_a_task_that_was_awaited_in_turn_shows_as_such() -> None:
    async def endpoint() -> None:
        tasks = [asyncio.create_task(nap(seconds)) for seconds in (1, 2)]  # made
        for task in tasks:
            await task  # awaited

    trace = trace_of(endpoint)
    assert [span[:4] for span in rows_of(trace, "task")] == [
        ("nap", line("made"), 0.0, 1.0),
        ("nap", line("made"), 0.0, 2.0),
    ]
    assert [span for span in rows_of(trace) if span[1] == line("awaited")] == [
        ("nap", line("awaited"), 0.0, 1.0, "done"),
        ("nap", line("awaited"), 1.0, 2.0, "done"),
    ]


def test_a_loop_that_is_polled_with_sleep_zero_is_no_wait() -> None:
    async def endpoint() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    assert rows_of(trace_of(endpoint)) == []


def test_the_lifespan_may_make_tasks_too() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(nap(3))
            yield

    (task,) = [s for s in play(FastAPI(lifespan=lifespan)).spans if s.kind == "task"]
    assert (task.exchange, task.seconds, task.how) == (None, 3.0, "done")


# How a span ends


def test_a_task_that_is_cancelled_a_task_that_fails_and_one_that_stays() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError

    kept: list[Any] = []

    async def endpoint() -> None:
        kept.extend(asyncio.create_task(made) for made in (nap(5), fail(), nap(50)))
        await asyncio.sleep(2)
        kept[0].cancel()
        await asyncio.wait(kept[:2])

    trace = trace_of(endpoint, drain=8)
    assert [(name, end, how) for name, _, _, end, how in rows_of(trace, "task")] == [
        ("nap", 2.0, "cancelled"),
        ("fail", 1.0, "failed"),
        ("nap", 10.0, "open"),
    ]
    waits = [wait[2:] for wait in rows_of(trace) if wait[1] == line("nap")]
    assert waits == [(0.0, 2.0, "cancelled"), (0.0, 10.0, "open")]


def test_a_timeout_ends_the_wait_that_it_interrupts() -> None:
    async def endpoint() -> None:
        with anyio.move_on_after(1):
            await asyncio.sleep(5)  # interrupted

    assert rows_of(trace_of(endpoint)) == [("sleep", line("interrupted"), 0.0, 1.0, "cancelled")]


def test_a_wait_that_a_library_cancels_within_itself_was_not_cancelled() -> None:
    """As when anyio connects to one of two addresses, and gives up the other one."""

    async def within() -> None:
        with anyio.CancelScope() as scope:
            asyncio.get_running_loop().call_later(0.5, scope.cancel)
            await anyio.sleep(9)
        await anyio.sleep(1)

    within.__code__ = within.__code__.replace(co_filename=anyio.__file__)  # not own code

    async def endpoint() -> None:
        await within()  # in the library

    name, number = "within", line("in the library")
    assert rows_of(trace_of(endpoint)) == [
        (name, number, 0.0, 0.5, "done"),
        (name, number, 0.5, 1.5, "done"),
    ]


def test_a_cancellation_that_ones_own_code_swallows_is_one() -> None:
    async def endpoint() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(0.5, task.cancel)
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)  # swallowed

    number = line("swallowed")
    assert rows_of(trace_of(endpoint)) == [
        ("sleep", number, 0.0, 0.5, "cancelled"),
        ("sleep", number, 0.5, 1.5, "done"),
    ]


def test_a_wait_for_what_fails_is_over_when_it_fails() -> None:
    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError

    async def endpoint() -> None:
        task = asyncio.create_task(fail())
        try:
            await task  # fails
        except ValueError:
            await asyncio.sleep(1)

    (wait,) = [wait for wait in rows_of(trace_of(endpoint)) if wait[1] == line("fails")]
    assert wait == ("fail", line("fails"), 0.0, 1.0, "failed")


# Whose a span is


def test_a_span_knows_its_request() -> None:
    async def endpoint(seconds: float) -> None:
        await asyncio.gather(nap(seconds))

    trace = trace_of(endpoint, get("/?seconds=1"), get("/?seconds=2", at=0.5))
    found = {(s.exchange, s.kind, s.start.seconds, s.end.seconds) for s in trace.spans}
    assert found == {
        (number, kind, start, end)
        for number, start, end in [(0, 0.0, 1.0), (1, 0.5, 2.5)]
        for kind in ("wait", "task")
    }


def test_a_call_of_a_collaborator_has_the_line_that_made_it() -> None:
    def factory(fetch: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            await fetch()  # awaited here
            await asyncio.create_task(fetch())  # made here

        return app

    calls = play(factory, get("/"), fetch=takes(1)).calls("fetch")
    assert [call.line for call in calls] == [line("awaited here"), line("made here")]
    assert len({call.task for call in calls}) == 2


def test_a_sleep_in_a_thread_is_a_span_of_its_request() -> None:
    def endpoint() -> None:
        time.sleep(1)  # in a thread

    trace = trace_of(endpoint, times(2, get("/")))
    assert [span.exchange for span in trace.spans] == [0, 1]
    assert rows_of(trace, "thread") == [("time.sleep", line("in a thread"), 0.0, 1.0, "done")] * 2


def test_a_blocked_loop_is_a_span() -> None:
    async def endpoint() -> None:
        await asyncio.sleep(1)
        time.sleep(2)  # on the loop

    spans = rows_of(trace_of(endpoint), "blocked")
    assert spans == [("time.sleep", line("on the loop"), 1.0, 3.0, "done")]


@pytest.mark.parametrize(
    ("wait", "name"),
    [
        (lambda: asyncio.Event().wait(), "Event.wait"),
        (lambda: asyncio.Queue[int]().get(), "Queue.get"),
        (lambda: asyncio.wait([asyncio.ensure_future(nap(9))]), "wait"),
        (lambda: asyncio.to_thread(time.sleep, 9), "to_thread"),
        (lambda: anyio.sleep(9), "sleep"),
        (lambda: asyncio.get_running_loop().create_future(), "Future"),
        (lambda: asyncio.gather(nap(9), nap(9)), "gather"),
    ],
)
def test_a_wait_is_called_as_a_reader_would_call_it(wait: Callable[[], Any], name: str) -> None:
    async def endpoint() -> None:
        await wait()  # whatever it is

    trace = trace_of(endpoint, get("/", cancelled_at=1))
    found = [w for w in rows_of(trace) if w[1] == line("whatever it is")]
    assert found[0] == (name, line("whatever it is"), 0.0, 1.0, "cancelled")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (asyncio.Lock, "Lock.acquire"),
        (lambda: asyncio.Semaphore(1), "Semaphore.acquire"),
        (asyncio.Condition, "Lock.acquire"),
    ],
)
def test_a_block_that_waits_for_a_lock_is_called_after_the_lock(make: Any, name: str) -> None:
    async def endpoint() -> None:
        lock = make()
        async with lock, lock:
            pass

    assert rows_of(trace_of(endpoint, get("/", cancelled_at=1)))[0][0] == name
