"""Incidents: what is never right, told with its line; and what only looks like it, is not."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import select
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_process
import anyio.to_thread
import asyncpg
import pytest
import requests
from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from motor.motor_asyncio import AsyncIOMotorClient

from grader import Incident, Trace, get, mongo, play, postgres, reply, takes, times, upstream
from grader.clock import current_clock
from grader.clock.real_time import thread_time
from grader.clock.threads import TurnQueue
from grader.driver import references
from grader.testing import watchdog

SOURCE = Path(__file__).read_text("utf-8").splitlines()


def line(mark: str) -> int:
    """The number of the line of this file that ends with `# mark`."""
    (number,) = [n for n, text in enumerate(SOURCE, 1) if text.endswith(f"# {mark}")]
    return number


def trace_of(endpoint: Callable[..., Any], *requests: Any) -> Trace:
    app = FastAPI()
    app.get("/")(endpoint)
    return play(app, *(requests or [get("/")]))


def incidents_of(endpoint: Callable[..., Any]) -> list[tuple[str, int | None]]:
    return [(incident.kind, incident.line) for incident in trace_of(endpoint).incidents]


async def nap(seconds: float = 1) -> None:
    await asyncio.sleep(seconds)


# A blocked loop


def test_a_loop_that_looks_at_the_time_until_it_has_passed_is_blocked() -> None:
    async def endpoint() -> float:
        end = time.monotonic() + 0.05
        while time.monotonic() < end:  # looks at the time
            pass
        return round(time.monotonic(), 3)

    trace = trace_of(endpoint)
    assert trace.exchanges[0].json() == 0.05
    assert (trace.outcome.kind, trace.exchanges[0].elapsed) == ("finished", 0.05)
    (incident,) = trace.incidents
    assert (incident.kind, incident.line) == ("loop-blocked", line("looks at the time"))


def test_selecting_on_the_loop_blocks_it() -> None:
    async def endpoint() -> float:
        select.select([], [], [], 2)  # selects
        return time.monotonic()

    trace = trace_of(endpoint)
    assert trace.exchanges[0].json() == 2.0
    (incident,) = trace.incidents
    assert (incident.kind, incident.line) == ("loop-blocked", line("selects"))


def test_a_loop_that_sleeps_is_blocked_for_so_long() -> None:
    async def endpoint() -> None:
        await asyncio.sleep(1)
        time.sleep(2.5)  # asleep on the loop

    (incident,) = trace_of(endpoint).incidents
    assert incident == Incident(
        kind="loop-blocked",
        at=incident.at,
        line=line("asleep on the loop"),
        seconds=2.5,
        detail="time.sleep",
        exchange=0,
    )
    assert incident.at.seconds == 3.5


def test_a_sleep_in_a_thread_blocks_no_loop() -> None:
    async def endpoint() -> None:
        await asyncio.to_thread(time.sleep, 2)

    assert incidents_of(endpoint) == []


def test_a_sleep_before_the_loop_runs_blocks_no_loop() -> None:
    def factory(fetch: Any) -> FastAPI:
        time.sleep(1)
        return FastAPI()

    assert not play(factory, get("/"), fetch=takes(1)).incidents


def test_a_socket_that_blocks_is_told() -> None:
    async def endpoint() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.send(b"x")
            ours.recv(1)  # receives

    assert ("loop-blocked", line("receives")) in incidents_of(endpoint)


def test_a_database_file_that_blocks_is_told() -> None:
    async def endpoint() -> None:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("select 1")  # queries

    assert ("loop-blocked", line("queries")) in incidents_of(endpoint)


def test_a_program_that_is_waited_for_is_told() -> None:
    async def endpoint() -> None:
        subprocess.run([sys.executable, "-c", ""], check=True)  # runs

    found = trace_of(endpoint)
    assert ("loop-blocked", line("runs")) in [(i.kind, i.line) for i in found.incidents]
    assert found.exchanges[0].status == 200


def test_blocking_a_thread_is_no_incident() -> None:
    def endpoint() -> None:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            database.execute("select 1")
        subprocess.run([sys.executable, "-c", ""], check=True)

    assert incidents_of(endpoint) == []


def test_a_line_that_blocks_without_end_is_told_a_hundred_times() -> None:
    async def endpoint() -> None:
        for _ in range(150):
            time.sleep(0.1)

    assert len(incidents_of(endpoint)) == 100


# Coroutines that nobody awaits


def test_a_coroutine_that_nobody_awaits_is_told_with_the_line_that_made_it() -> None:
    async def endpoint() -> None:
        nap()  # lost

    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.line) == ("never-awaited", line("lost"))
    assert (incident.detail, incident.exchange) == ("nap", 0)


def test_a_coroutine_that_is_lost_in_a_worker_thread_is_told_too() -> None:
    def endpoint() -> None:
        nap()  # lost in a thread

    def through_asyncio() -> None:
        nap()  # lost in a thread of asyncio

    async def calls() -> None:
        await asyncio.to_thread(through_asyncio)

    for _ in range(20):
        assert incidents_of(endpoint) == [("never-awaited", line("lost in a thread"))]
    assert incidents_of(calls) == [("never-awaited", line("lost in a thread of asyncio"))]


def test_a_coroutine_that_is_lost_in_a_cycle_is_told_too() -> None:
    async def endpoint() -> None:
        cycle: list[Any] = [nap()]  # lost in a cycle
        cycle.append(cycle)

    assert incidents_of(endpoint) == [("never-awaited", line("lost in a cycle"))]


def test_a_library_coroutine_is_told_with_the_line_that_called_the_library() -> None:
    async def endpoint() -> None:
        asyncio.sleep(1)  # sleep forgotten

    assert incidents_of(endpoint) == [("never-awaited", line("sleep forgotten"))]


def test_a_coroutine_that_was_closed_is_no_incident() -> None:
    async def endpoint() -> None:
        nap().close()

    assert incidents_of(endpoint) == []


def test_what_is_lost_outside_of_a_play_is_left_to_python() -> None:
    trace_of(nap)
    with pytest.warns(RuntimeWarning, match="never awaited"):
        nap()


# Tasks that nothing holds


def test_a_task_that_nothing_holds_is_told_with_the_line_that_made_it() -> None:
    async def endpoint() -> None:
        asyncio.create_task(nap())  # noqa: RUF006  # dropped

    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.line) == ("task-unreferenced", line("dropped"))
    assert (incident.detail, incident.exchange) == ("nap", 0)


def test_a_variable_that_goes_with_its_request_holds_nothing() -> None:
    async def endpoint() -> None:
        task = asyncio.create_task(nap())  # in a variable
        assert not task.done()

    assert incidents_of(endpoint) == [("task-unreferenced", line("in a variable"))]


def test_a_weak_reference_holds_nothing() -> None:
    tasks: weakref.WeakSet[asyncio.Task[None]] = weakref.WeakSet()

    async def endpoint() -> None:
        tasks.add(asyncio.create_task(nap()))  # held weakly

    assert incidents_of(endpoint) == [("task-unreferenced", line("held weakly"))]


def test_a_task_that_only_holds_itself_is_not_held() -> None:
    async def work() -> None:
        itself = asyncio.current_task()
        await nap()
        assert itself

    async def outer() -> None:
        await work()

    async def endpoint() -> None:
        asyncio.create_task(outer())  # noqa: RUF006  # holds itself

    assert incidents_of(endpoint) == [("task-unreferenced", line("holds itself"))]


def test_a_callback_that_knows_its_task_does_not_hold_it() -> None:
    async def endpoint() -> None:
        task = asyncio.create_task(nap())  # with a callback
        task.add_done_callback(lambda done: done.result())

    assert incidents_of(endpoint) == [("task-unreferenced", line("with a callback"))]


def kept_in_a_set(request: Request) -> None:
    tasks = request.app.state.tasks = set()
    task = asyncio.create_task(nap())
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def kept_in_a_dict(request: Request) -> None:
    request.app.state.tasks = {"nap": asyncio.create_task(nap())}


def kept_as_an_attribute(request: Request) -> None:
    request.app.state.task = asyncio.create_task(nap())


def kept_by_an_object_that_is_kept(request: Request) -> None:
    class Worker:
        def __init__(self) -> None:
            self.task = asyncio.create_task(nap())

    request.app.state.worker = Worker()


def kept_by_a_gather_that_is_kept(request: Request) -> None:
    request.app.state.both = asyncio.gather(nap(), nap())


def kept_by_a_task_that_awaits_it(request: Request) -> None:
    async def work() -> None:
        await asyncio.create_task(nap())

    request.app.state.task = asyncio.create_task(work())


def kept_by_a_group(request: Request) -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(nap())

    request.app.state.task = asyncio.create_task(work())


@pytest.mark.parametrize(
    "keep",
    [
        kept_in_a_set,
        kept_in_a_dict,
        kept_as_an_attribute,
        kept_by_an_object_that_is_kept,
        kept_by_a_gather_that_is_kept,
        kept_by_a_task_that_awaits_it,
        kept_by_a_group,
    ],
)
def test_a_task_that_something_holds_is_no_incident(keep: Callable[[Request], None]) -> None:
    async def endpoint(request: Request) -> None:
        keep(request)
        await asyncio.sleep(0)

    trace = trace_of(endpoint)
    assert trace.incidents == ()
    assert "task" in {span.kind for span in trace.spans}


def test_a_task_of_the_lifespan_that_a_group_holds_is_no_incident() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with asyncio.TaskGroup() as group:
            yield {"group": group}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def endpoint(request: Request) -> None:
        request.state.group.create_task(nap())

    assert not play(app, times(3, get("/"))).incidents


def test_a_task_that_is_done_or_being_cancelled_is_no_incident() -> None:
    async def endpoint() -> None:
        asyncio.create_task(nap()).cancel()
        asyncio.create_task(nap(0.5))  # noqa: RUF006
        await asyncio.sleep(1)

    assert incidents_of(endpoint) == []


# Errors that nobody asks for


def test_tasks_of_a_crowd_are_looked_at_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """To look for what holds a task takes long, and that isn't the learner's computing."""
    looks = []
    is_held = references.is_held
    monkeypatch.setattr(references, "MOST_LOOKS", 3)
    monkeypatch.setattr(references, "is_held", lambda *given: looks.append(0) or is_held(*given))
    kept = []

    async def page() -> None:
        kept.append(asyncio.create_task(nap(30)))

    assert trace_of(page, *times(5, get("/"))).incidents == ()
    assert len(looks) == 3


def test_what_the_kit_computes_to_look_for_them_is_not_the_programs_doing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a process with many objects a look takes long."""
    monkeypatch.setattr(watchdog, "COMPUTES", 0.4)
    is_held = references.is_held

    def look_for_long(*given: Any) -> bool:
        end = thread_time() + 0.2
        while thread_time() < end:
            pass
        return is_held(*given)

    monkeypatch.setattr(references, "is_held", look_for_long)
    kept = []

    async def page() -> None:
        kept.append(asyncio.create_task(nap(30)))

    trace = trace_of(page, *times(5, get("/")))
    assert (trace.outcome.kind, trace.incidents) == ("finished", ())


def test_a_task_that_is_sent_in_place_of_its_result_is_told() -> None:
    app = FastAPI()

    @app.get("/", response_model=None)
    async def page() -> Any:
        task = asyncio.create_task(nap())
        await task
        return {"task": task, "several": [task], "none": {}}

    trace = play(app, get("/"))
    assert trace.exchanges[0].json() == {"task": {}, "several": [{}], "none": {}}
    assert [(one.kind, one.exchange) for one in trace.incidents] == [("task-sent", 0)] * 2


def test_an_error_that_nobody_asks_for_is_told_with_the_line_that_raised_it() -> None:
    async def fail() -> None:
        raise ValueError("lost")  # raised

    async def endpoint() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(1)
        del task

    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.line) == ("exception-unretrieved", line("raised"))
    assert incident.detail == "ValueError: lost"


def test_an_error_that_somebody_asks_for_is_no_incident() -> None:
    async def fail() -> None:
        raise ValueError("found")

    async def endpoint() -> None:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        assert task.exception()
        assert await asyncio.gather(fail(), return_exceptions=True)

    assert incidents_of(endpoint) == []


# Swallowed cancellations


async def stubborn() -> None:
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        await asyncio.sleep(1)


def test_a_timeout_whose_end_is_swallowed_is_told() -> None:
    async def endpoint() -> float:
        async with asyncio.timeout(2):  # swallowed
            await stubborn()
        return time.monotonic()

    trace = trace_of(endpoint)
    assert trace.exchanges[0].json() == 3.0
    (incident,) = trace.incidents
    assert incident.kind == "cancellation-swallowed"
    assert incident.line == line("swallowed")


def test_wait_for_whose_end_is_swallowed_is_told() -> None:
    async def endpoint() -> None:
        await asyncio.wait_for(stubborn(), 2)  # swallowed by wait_for

    assert incidents_of(endpoint) == [("cancellation-swallowed", line("swallowed by wait_for"))]


def test_a_cancellation_that_is_turned_into_another_error_is_told() -> None:
    async def turned() -> None:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            raise ValueError from None

    async def endpoint() -> None:
        with contextlib.suppress(ValueError):
            async with asyncio.timeout(2):  # turned
                await turned()

    assert incidents_of(endpoint) == [("cancellation-swallowed", line("turned"))]


def test_a_timeout_that_ends_as_it_should_is_no_incident() -> None:
    async def endpoint() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await nap(2)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(nap(2), 1)
        with anyio.move_on_after(1):
            await nap(2)
        async with asyncio.timeout(1):
            await nap(0.5)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1), asyncio.TaskGroup() as group:
                group.create_task(nap(2))

    trace = trace_of(endpoint)
    assert trace.incidents == ()
    assert trace.exchanges[0].elapsed == 4.5


def test_what_is_done_just_when_the_time_is_up_swallows_nothing() -> None:
    async def endpoint() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(nap(2), 2)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await nap(2)

    assert incidents_of(endpoint) == []


# Async functions that are handed to callers of plain functions


@pytest.mark.parametrize(
    "hand_over",
    [
        lambda: asyncio.to_thread(nap),
        lambda: asyncio.to_thread(functools.partial(nap, 1)),
        lambda: run_in_threadpool(nap, 1),
        lambda: anyio.to_thread.run_sync(nap),
    ],
)
def test_an_async_function_in_a_thread_is_told_with_the_line_that_awaits_it(
    hand_over: Callable[[], Any],
) -> None:
    async def endpoint() -> None:
        coroutine = hand_over()
        lost = await coroutine  # handed to a thread
        assert asyncio.iscoroutine(lost)

    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.exchange) == ("never-awaited", 0)
    assert incident.line in (line("handed to a thread"), hand_over.__code__.co_firstlineno)


def test_a_worker_is_on_the_clock_until_it_has_forgotten_its_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done, seen = TurnQueue.task_done, []

    def noting(queue: TurnQueue) -> None:
        done(queue)
        seen.append(current_clock() is not None)  # its result is still in the worker's hands

    monkeypatch.setattr(TurnQueue, "task_done", noting)
    trace_of(lambda: None)
    assert seen == [True]


class Napper:
    async def __call__(self) -> None:
        await nap()

    async def nap(self) -> None:
        await nap()


@pytest.mark.parametrize(
    "hand_over",
    [
        lambda: asyncio.get_running_loop().call_soon(nap),
        lambda: asyncio.get_running_loop().call_later(1, nap),
        lambda: asyncio.get_running_loop().call_at(1, functools.partial(nap, 1)),
        lambda: threading.Thread(target=nap).start(),
        lambda: asyncio.get_running_loop().run_in_executor(None, nap, 1),
        lambda: asyncio.get_running_loop().run_in_executor(None, Napper()),
        lambda: asyncio.get_running_loop().run_in_executor(None, Napper().nap),
    ],
)
def test_an_async_callback_is_told_with_the_line_that_handed_it_over(
    hand_over: Callable[[], Any],
) -> None:
    async def endpoint() -> None:
        hand_over()
        await asyncio.sleep(2)

    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.exchange) == ("never-awaited", 0)
    assert incident.line == hand_over.__code__.co_firstlineno


def test_each_handover_has_its_own_line() -> None:
    async def endpoint() -> None:
        await asyncio.to_thread(nap)  # first handover
        await asyncio.to_thread(nap)  # second handover

    assert incidents_of(endpoint) == [
        ("never-awaited", line("first handover")),
        ("never-awaited", line("second handover")),
    ]


def test_a_background_task_that_only_makes_its_coroutine_is_told() -> None:
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(lambda: nap() and None)  # made in the background

    assert incidents_of(endpoint) == [("never-awaited", line("made in the background"))]


def test_an_async_background_task_is_no_incident() -> None:
    async def endpoint(tasks: BackgroundTasks) -> None:
        tasks.add_task(nap, 1)

    assert incidents_of(endpoint) == []


# Errors of tasks that are kept, and of callbacks


@asynccontextmanager
async def with_dying_job(app: FastAPI) -> AsyncIterator[None]:
    async def refresh() -> None:
        await asyncio.sleep(20)
        raise KeyError("upstream")  # the job dies

    app.state.job = asyncio.create_task(refresh())
    yield


def test_a_task_that_dies_is_told_when_it_did_though_something_holds_it() -> None:
    trace = play(FastAPI(lifespan=with_dying_job), get("/", at=30))
    (incident,) = trace.incidents
    assert (incident.kind, incident.line) == ("exception-unretrieved", line("the job dies"))
    assert (incident.at.seconds, incident.exchange) == (20.0, None)


def test_a_worker_that_dies_is_told_also_if_the_program_is_stuck() -> None:
    async def endpoint() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()

        async def work() -> None:
            while True:
                1 // await queue.get()  # the worker dies
                queue.task_done()

        workers = [asyncio.create_task(work()) for _ in range(2)]
        for number in (1, 0, 2):
            queue.put_nowait(number)
        await queue.join()  # joined for ever
        del workers

    trace = trace_of(endpoint)
    assert (trace.outcome.kind, trace.outcome.line) == ("stuck", line("joined for ever"))
    assert ("exception-unretrieved", line("the worker dies")) in [
        (incident.kind, incident.line) for incident in trace.incidents
    ]


def test_an_error_that_is_asked_for_at_shutdown_is_no_incident() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async def fail() -> None:
            raise ValueError

        job = asyncio.create_task(fail())
        yield
        with contextlib.suppress(ValueError):
            await job

    assert not play(FastAPI(lifespan=lifespan), get("/")).incidents


async def with_failing_done_callback() -> None:
    def over(task: Any) -> None:
        raise LookupError("in the callback")  # done-callback fails

    task = asyncio.create_task(nap(1))
    task.add_done_callback(over)
    await asyncio.sleep(2)


async def with_failing_call_later() -> None:
    asyncio.get_running_loop().call_later(1, lambda: 1 / 0)  # call_later fails
    await asyncio.sleep(2)


async def with_failing_call_soon() -> None:
    asyncio.get_running_loop().call_soon(lambda: [][1])  # call_soon fails
    await asyncio.sleep(2)


async def with_failing_threadsafe_call() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(loop.call_soon_threadsafe, lambda: {}[1])  # threadsafe call fails
    await asyncio.sleep(2)


async def with_callback_that_takes_no_task() -> None:
    def over() -> None: ...  # takes no task

    task = asyncio.create_task(nap(1))
    task.add_done_callback(over)  # type: ignore[arg-type]
    await asyncio.sleep(2)


async def with_failing_event_handler() -> None:
    class Handler(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            raise OSError("refused")  # protocol fails

    ours, theirs = socket.socketpair()
    with theirs:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1):
                await loop.create_connection(Handler, sock=ours)


@pytest.mark.parametrize(
    ("endpoint", "mark"),
    [
        (with_failing_done_callback, "done-callback fails"),
        (with_failing_call_later, "call_later fails"),
        (with_failing_call_soon, "call_soon fails"),
        (with_failing_threadsafe_call, "threadsafe call fails"),
        (with_callback_that_takes_no_task, "takes no task"),
        (with_failing_event_handler, "protocol fails"),
    ],
)
def test_a_callback_that_fails_is_told_with_its_line(endpoint: Any, mark: str) -> None:
    (incident,) = trace_of(endpoint).incidents
    assert (incident.kind, incident.line) == ("callback-failed", line(mark))
    assert incident.exchange == 0


# What other threads do to the loop


def by_future(loop: Any) -> tuple[Any, Any]:
    future = loop.create_future()
    return future, lambda: future.set_result(1)  # by future


def by_exception(loop: Any) -> tuple[Any, Any]:
    future = loop.create_future()
    return future, lambda: future.set_exception(ValueError())  # by exception


def by_queue(loop: Any) -> tuple[Any, Any]:
    queue: asyncio.Queue[int] = asyncio.Queue()
    return queue.get(), lambda: queue.put_nowait(1)  # by queue


def by_event(loop: Any) -> tuple[Any, Any]:
    event = asyncio.Event()
    return event.wait(), lambda: event.set()  # by event


def by_cancel(loop: Any) -> tuple[Any, Any]:
    task = loop.create_task(nap(9))
    return task, lambda: task.cancel()  # by cancel


def by_call_soon(loop: Any) -> tuple[Any, Any]:
    event = asyncio.Event()
    return event.wait(), lambda: loop.call_soon(event.set)  # by call_soon


def by_create_task(loop: Any) -> tuple[Any, Any]:
    return nap(3), lambda: loop.create_task(nap(1))  # by create_task


UNSAFE = [
    (by_future, "by future", "Future.set_result"),
    (by_exception, "by exception", "Future.set_exception"),
    (by_queue, "by queue", "Queue.put_nowait"),
    (by_event, "by event", "Event.set"),
    (by_cancel, "by cancel", "Future.cancel"),
    (by_call_soon, "by call_soon", "loop.call_soon"),
    (by_create_task, "by create_task", "loop.create_task"),
]


@pytest.mark.parametrize("in_pool", [False, True])
@pytest.mark.parametrize(("make", "mark", "detail"), UNSAFE)
def test_what_a_thread_does_to_the_loop_is_told(
    make: Any, mark: str, detail: str, in_pool: bool
) -> None:
    async def endpoint() -> None:
        awaited, act = make(asyncio.get_running_loop())

        def work() -> None:
            time.sleep(1)
            act()

        if in_pool:
            work_done = asyncio.get_running_loop().run_in_executor(None, work)
        else:
            threading.Thread(target=work).start()
        with contextlib.suppress(ValueError, asyncio.CancelledError):
            await awaited
        if in_pool:
            await work_done

    found = [i for i in trace_of(endpoint).incidents if i.kind == "not-thread-safe"]
    assert [(incident.line, incident.detail) for incident in found] == [(line(mark), detail)]


def test_a_queue_nobody_waits_at_is_not_for_threads_either() -> None:
    async def endpoint() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        await asyncio.to_thread(lambda: queue.put_nowait(1))  # put in vain

    assert incidents_of(endpoint) == [("not-thread-safe", line("put in vain"))]


def test_what_is_thread_safe_is_no_incident() -> None:
    async def endpoint() -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        await asyncio.to_thread(lambda: loop.call_soon_threadsafe(event.set))
        await event.wait()
        await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(nap(1), loop).result())
        await asyncio.to_thread(lambda: anyio.from_thread.run_sync(event.clear))
        event.set()

        async def alone() -> None:
            queue: asyncio.Queue[int] = asyncio.Queue()
            queue.put_nowait(1)
            await queue.get()

        await asyncio.to_thread(lambda: asyncio.run(alone()))

    assert incidents_of(endpoint) == []


# Jobs that cannot be stopped


def lifespan_with(job: Callable[[], Any], cancels: bool) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(job())
        yield
        if cancels:
            task.cancel()

    return lifespan


async def ignores() -> None:
    while True:
        try:
            await asyncio.sleep(1)  # ignores
        except asyncio.CancelledError:
            logging.info("ignored")


async def ignores_everything() -> None:
    while True:
        with contextlib.suppress(BaseException):
            await asyncio.sleep(1)  # ignores everything


async def ignores_within() -> None:
    async def round_() -> None:
        try:
            await asyncio.sleep(1)  # ignores within
        except BaseException:
            return

    while True:
        await round_()


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize(
    ("job", "mark"),
    [
        (ignores, "ignores"),
        (ignores_everything, "ignores everything"),
        (ignores_within, "ignores within"),
    ],
)
def test_a_job_that_goes_on_after_its_cancellation_is_told(
    job: Callable[[], Any], mark: str, cancels: bool
) -> None:
    trace = play(FastAPI(lifespan=lifespan_with(job, cancels)), get("/"), drain=5)
    assert [(i.kind, i.line, i.at.seconds) for i in trace.incidents] == [
        ("cancellation-swallowed", line(mark), 5.0)
    ]
    assert (trace.outcome.kind, trace.ended) == ("finished", 5_000_000)


async def ends_when_cancelled() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(100)


async def clears_up() -> None:
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(3)


async def clears_up_after_all() -> None:
    await ends_when_cancelled()
    await asyncio.sleep(3)


async def gives_up_now_and_then() -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.sleep(2)
        with anyio.move_on_after(1):
            await asyncio.sleep(2)


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize(
    "job", [ends_when_cancelled, clears_up, clears_up_after_all, gives_up_now_and_then]
)
def test_a_job_that_ends_when_it_is_cancelled_is_no_incident(job: Any, cancels: bool) -> None:
    trace = play(FastAPI(lifespan=lifespan_with(job, cancels)), get("/"), drain=5)
    assert trace.incidents == ()
    assert trace.ended == 5_000_000


def test_a_shutdown_that_waits_for_a_job_that_goes_on_is_told() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(ignores())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    trace = play(FastAPI(lifespan=lifespan), get("/"), drain=5)
    assert trace.outcome.kind == "ran-away"
    assert [(i.kind, i.line) for i in trace.incidents] == [
        ("cancellation-swallowed", line("ignores"))
    ]


# Tasks that nothing holds, outside of requests


@asynccontextmanager
async def dropping(app: FastAPI) -> AsyncIterator[None]:
    asyncio.create_task(nap(100))  # noqa: RUF006  # dropped in the lifespan
    yield


@asynccontextmanager
async def dropping_in_a_callback(app: FastAPI) -> AsyncIterator[None]:
    def begin() -> None:
        asyncio.create_task(nap(1))  # noqa: RUF006  # dropped in a callback

    asyncio.get_running_loop().call_later(2, begin)
    yield


@asynccontextmanager
async def dropping_in_a_job(app: FastAPI) -> AsyncIterator[None]:
    async def every_second() -> None:
        for _ in range(3):
            asyncio.create_task(nap(1))  # noqa: RUF006  # dropped in a job
            await asyncio.sleep(5)

    app.state.job = asyncio.create_task(every_second())
    yield


@pytest.mark.parametrize(
    ("lifespan", "mark", "moments"),
    [
        (dropping, "dropped in the lifespan", [0.0]),
        (dropping_in_a_callback, "dropped in a callback", [2.0]),
        (dropping_in_a_job, "dropped in a job", [0.0, 5.0, 10.0]),
    ],
)
def test_a_task_that_is_dropped_outside_of_requests_is_told(
    lifespan: Any, mark: str, moments: list[float]
) -> None:
    trace = play(FastAPI(lifespan=lifespan), get("/", at=20))
    assert {(i.kind, i.line) for i in trace.incidents} == {("task-unreferenced", line(mark))}
    assert [incident.at.seconds for incident in trace.incidents] == moments


def test_a_task_of_the_lifespan_that_the_server_waits_for_is_told() -> None:
    async def receive() -> None:
        await asyncio.sleep(1)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        asyncio.create_task(receive())  # noqa: RUF006  # dropped, and soon over
        yield

    (incident,) = play(FastAPI(lifespan=lifespan), get("/")).incidents
    assert (incident.kind, incident.line) == ("task-unreferenced", line("dropped, and soon over"))


def test_a_task_that_a_library_makes_for_itself_is_no_incident() -> None:
    async def endpoint() -> int:
        return await anyio.to_process.run_sync(abs, -4)

    assert incidents_of(endpoint) == []


def test_a_task_that_is_dropped_when_its_request_is_over_is_told() -> None:
    async def endpoint() -> None:
        def begin() -> None:
            asyncio.create_task(nap(1))  # noqa: RUF006  # dropped later

        asyncio.get_running_loop().call_later(5, begin)

    app = FastAPI()
    app.get("/")(endpoint)
    (incident,) = play(app, get("/"), get("/nowhere", at=9)).incidents
    assert (incident.kind, incident.line) == ("task-unreferenced", line("dropped later"))


def test_tasks_of_the_lifespan_that_are_held_are_no_incident() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        in_a_variable = asyncio.create_task(nap(100))
        app.state.job = asyncio.create_task(nap(100))
        both = asyncio.gather(nap(100), nap(100))
        async with anyio.create_task_group() as group:
            group.start_soon(nap, 100)
            yield
            group.cancel_scope.cancel()
        in_a_variable.cancel()
        both.cancel()

    assert not play(FastAPI(lifespan=lifespan), get("/")).incidents


# Programs that are waited for


def call_run() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)  # subprocess.run


def call_check_output() -> None:
    subprocess.check_output([sys.executable, "-c", "print(1)"])  # subprocess.check_output


def call_call() -> None:
    subprocess.call([sys.executable, "-c", ""])  # subprocess.call


def call_communicate() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as program:
        program.communicate()  # subprocess.Popen.communicate


def call_wait() -> None:
    program = subprocess.Popen([sys.executable, "-c", ""])
    program.wait()  # subprocess.Popen.wait


def call_system() -> None:
    os.system("true")  # os.system


def call_waitpid() -> None:
    program = subprocess.Popen([sys.executable, "-c", ""])
    program.returncode = os.waitpid(program.pid, 0)[1]  # os.waitpid


@pytest.mark.parametrize(
    "block",
    [
        call_run,
        call_check_output,
        call_call,
        call_communicate,
        call_wait,
        call_system,
        call_waitpid,
    ],
)
def test_waiting_for_a_program_is_told_once_by_what_was_called(block: Callable[[], None]) -> None:
    async def endpoint() -> None:
        block()

    (incident,) = trace_of(endpoint).incidents
    assert incident.kind == "loop-blocked"
    assert line(incident.detail) == incident.line


def test_starting_a_program_and_asking_whether_it_has_ended_blocks_nobody() -> None:
    async def endpoint() -> None:
        with open(os.devnull) as nothing:
            program = subprocess.Popen(["sleep", "0"], stdin=nothing)
        while program.poll() is None:
            await asyncio.sleep(0.01)

    assert incidents_of(endpoint) == []


def test_a_blocking_client_is_told_by_what_was_called() -> None:
    def make(base: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> int:
            return requests.get(base, timeout=5).status_code  # a blocking client

        return app

    (incident,) = {
        (i.kind, i.line, i.detail)
        for i in play(make, get("/"), base=upstream({"/": reply(1)})).incidents
    }
    assert incident == ("loop-blocked", line("a blocking client"), "requests.get")


# What libraries do is none of the user's


def test_what_motor_does_when_it_closes_is_no_incident() -> None:
    def make(url: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
            client: Any = AsyncIOMotorClient(url)
            yield {"client": client}
            client.close()

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint(request: Request) -> int:
            return await request.state.client.db.items.count_documents({})  # type: ignore[no-any-return]

        return app

    trace = play(make, get("/"), url=mongo())
    assert (trace.exchanges[0].status, trace.incidents) == (200, ())


def test_what_asyncpg_does_when_it_releases_is_no_incident() -> None:
    def make(dsn: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
            async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
                yield {"pool": pool}

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint(request: Request) -> Any:
            async with request.state.pool.acquire() as connection:
                return await connection.fetchval("select 1")

        return app

    for moment in (None, 0.3, 0.7):
        asked = get("/", hangs_up_at=moment, cancelled_at=moment)
        trace = play(make, asked, get("/", at=5), dsn=postgres(statement=0.5))
        assert trace.incidents == ()


# Logs


def test_logs_have_their_moment_their_request_and_their_error() -> None:
    log = logging.getLogger("day53")

    async def endpoint() -> None:
        await asyncio.sleep(1)
        log.info("read %d rows", 3)
        try:
            raise ValueError("private")
        except ValueError:
            log.exception("failed")

    first, second = trace_of(endpoint, get("/", at=1)).logs
    assert (first.logger, first.level, first.message) == ("day53", "INFO", "read 3 rows")
    assert (first.at.seconds, first.exchange, first.error) == (2.0, 0, None)
    assert (second.level, second.error, second.error_text) == ("ERROR", "ValueError", "private")


def test_what_is_logged_beside_a_message_is_kept() -> None:
    log = logging.getLogger("day53")

    async def endpoint() -> None:
        log.warning("row left out", extra={"row": 7, "columns": ["a"]})
        log.warning("another one")

    first, second = trace_of(endpoint).logs
    assert (first.extra, second.extra) == ({"row": "7", "columns": "['a']"}, {})


def test_logs_of_threads_and_of_debugging_are_kept_too() -> None:
    def endpoint() -> None:
        time.sleep(1)
        logging.debug("from a thread")

    (log,) = trace_of(endpoint).logs
    assert (log.level, log.message, log.at.seconds) == ("DEBUG", "from a thread", 1.0)
    assert log.exchange == 0


def test_a_log_that_cannot_be_formatted_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def endpoint() -> None:
        logging.getLogger("day53").info("%d rows", "three")

    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
    assert trace_of(endpoint).exchanges[0].status == 200


def test_a_flood_of_logs_is_cut() -> None:
    async def endpoint() -> None:
        for number in range(2_000):
            logging.info("%d", number)

    assert len(trace_of(endpoint).logs) == 1_000


def test_logs_are_kept_however_logging_is_configured() -> None:
    """And the next play in this process begins with what there was before."""
    log = logging.getLogger("day53")
    before = [*logging.root.handlers]

    async def endpoint() -> None:
        logging.basicConfig(force=True, level=logging.WARNING)
        log.propagate = False
        log.setLevel(logging.INFO)
        log.info("kept")
        log.disabled = True
        logging.getLogger("made by the play").setLevel(logging.ERROR)

    for _ in range(2):
        assert [record.message for record in trace_of(endpoint).logs] == ["kept"]
    assert logging.root.handlers == before
    assert (log.propagate, log.level, log.disabled) == (True, logging.NOTSET, False)
    assert logging.getLogger("made by the play").level == logging.NOTSET


def test_no_text_tells_an_address() -> None:
    """They are others in every run, and a report is to be the same."""

    async def endpoint() -> None:
        logging.info("%s", object())
        raise ValueError(object())

    trace = trace_of(endpoint)
    assert [record.message for record in trace.logs] == ["<object object>"]
    error = trace.exchanges[0].raised
    assert error is not None
    assert error.text == "<object object>"
    assert " at 0x" not in error.traceback


def test_logs_of_others_are_not_of_the_play() -> None:
    logging.getLogger("before").warning("not this one")
    assert trace_of(nap).logs == ()
