"""Incidents: what is never right, told with its line; and what only looks like it, is not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sqlite3
import subprocess
import sys
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from fastapi import FastAPI, Request

from grader import Incident, Trace, get, play, takes, times

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
