"""Every play comes to an end, whatever the app does, and the next one is none the worse."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import gc
import queue
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio.to_thread
import pytest
from fastapi import FastAPI, Request

from grader import Trace, get, play, post
from grader.model.details import LoopBlocked
from grader.testing import watchdog

LIBC = ctypes.CDLL(None)


def trace_of(endpoint: Callable[..., Any]) -> Trace:
    app = FastAPI()
    app.get("/")(endpoint)
    return play(app, get("/"), get("/", at=0.5), patience=0.2)


def line_in(function: Callable[..., Any], after: int) -> int:
    return function.__code__.co_firstlineno + after


def assert_the_next_play_works() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> float:
        await asyncio.sleep(1)
        return time.monotonic()

    assert play(app, get("/")).exchanges[0].text == "1.0"
    start = time.perf_counter()
    assert start != 0.0
    assert asyncio._get_running_loop() is None


# The loop's own thread waits for what only the loop could bring


async def takes_a_lock_over_an_await() -> None:
    with LOCK:
        await asyncio.sleep(1)


LOCK = threading.Lock()


async def waits_for_its_own_loop() -> None:
    work = asyncio.run_coroutine_threadsafe(asyncio.sleep(1), asyncio.get_running_loop())
    work.result()


async def waits_for_a_future() -> None:
    concurrent.futures.Future[None]().result()


async def gets_from_an_empty_queue() -> None:
    queue.Queue[int]().get()


async def puts_into_a_full_queue() -> None:
    full = queue.Queue[int](1)
    full.put(1)
    full.put(2)


async def joins_a_thread_that_waits() -> None:
    thread = threading.Thread(target=threading.Event().wait)
    thread.start()
    thread.join()


async def swallows_what_ends_it() -> str:
    event = threading.Event()
    try:
        event.wait()
    except BaseException:
        raise ValueError from None
    return ""


async def blocks_in_a_task_group() -> None:
    async def blocks() -> None:
        queue.Queue[int]().get()

    async with asyncio.TaskGroup() as group:
        group.create_task(blocks())


@pytest.mark.parametrize(
    ("endpoint", "line", "moment", "call"),
    [
        (takes_a_lock_over_an_await, 1, 500_000, "lock.acquire"),
        (waits_for_its_own_loop, 2, 0, "concurrent.futures.Future.result"),
        (waits_for_a_future, 1, 0, "concurrent.futures.Future.result"),
        (gets_from_an_empty_queue, 1, 0, "queue.Queue.get"),
        (puts_into_a_full_queue, 3, 0, "queue.Queue.put"),
        (joins_a_thread_that_waits, 3, 0, "thread.join"),
        (swallows_what_ends_it, 3, 0, "threading.Event.wait"),
        (blocks_in_a_task_group, 2, 0, "queue.Queue.get"),
    ],
)
def test_a_loop_that_blocks_itself_is_stuck_at_the_line(
    endpoint: Callable[..., Any], line: int, moment: int, call: str
) -> None:
    """The call that blocks is named; that the wait was broken off is nobody's error."""
    trace = trace_of(endpoint)
    assert trace.outcome.kind == "stuck"
    assert trace.outcome.detail == LoopBlocked(call)
    assert {(each.raised, each.returned) for each in trace.exchanges} == {(None, None)}
    assert trace.incidents == ()
    assert trace.outcome.line == line_in(endpoint, line)
    assert trace.ended == moment
    assert_the_next_play_works()


class Left:
    """Something that only the garbage collector ends."""

    def __init__(self) -> None:
        self.itself = self


async def waits_for_ever(left: Left) -> None:
    await asyncio.get_running_loop().create_future()


async def blocks_for_ever(left: Left) -> None:
    threading.Event().wait()


async def reads_and_waits(left: Left) -> None:
    async def numbers(left: Left) -> AsyncIterator[int]:
        yield 1

    async for _ in numbers(left):
        await waits_for_ever(left)


async def finishes(left: Left) -> None:
    left.work = asyncio.create_task(waits_for_ever(left))  # type: ignore[attr-defined]


@pytest.fixture
def no_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize("endpoint", [waits_for_ever, blocks_for_ever, reads_and_waits, finishes])
def test_what_a_play_leaves_dies_with_it(endpoint: Callable[[Left], Awaitable[None]]) -> None:
    made = []

    async def root() -> None:
        left = Left()
        made.append(weakref.ref(left))
        await endpoint(left)

    app = FastAPI()
    app.get("/")(root)
    play(app, get("/"), patience=0.1)
    assert made[0]() is None


def test_two_threads_that_wait_for_each_other_are_stuck_at_their_lines() -> None:
    first, second = threading.Lock(), threading.Lock()

    def lock(one: threading.Lock, other: threading.Lock) -> None:
        with one:
            time.sleep(1)
            with other:
                pass

    async def endpoint() -> None:
        calls = [asyncio.to_thread(lock, first, second), asyncio.to_thread(lock, second, first)]
        await asyncio.gather(*calls)

    outcome = trace_of(endpoint).outcome
    assert outcome.kind == "stuck"
    assert {waiting.line for waiting in outcome.waiting} >= {line_in(lock, 3)}


def test_a_def_endpoint_that_waits_for_ever_is_stuck_at_its_line() -> None:
    def endpoint() -> None:
        queue.Queue[int]().get()

    outcome = trace_of(endpoint).outcome
    assert (outcome.kind, outcome.line) == ("stuck", line_in(endpoint, 1))


def wait_for_ever() -> None:
    queue.Queue[int]().get()


async def calls_in_a_thread() -> None:
    await anyio.to_thread.run_sync(wait_for_ever)


async def calls_in_asyncios_thread() -> None:
    await asyncio.to_thread(wait_for_ever)


@pytest.mark.parametrize("endpoint", [calls_in_a_thread, calls_in_asyncios_thread])
def test_what_a_thread_waits_for_comes_before_who_waits_for_the_thread(
    endpoint: Callable[..., Any],
) -> None:
    outcome = trace_of(endpoint).outcome
    assert (outcome.kind, outcome.line) == ("stuck", line_in(wait_for_ever, 1))
    lines = [waiting.line for waiting in outcome.waiting]
    assert lines == [line_in(wait_for_ever, 1)] * 2 + [line_in(endpoint, 1)] * 2


def test_a_wait_below_a_middleware_is_named_before_the_middlewares_own() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def passes_on(request: Request, call_next: Any) -> Any:
        return await call_next(request)

    @app.get("/")
    async def endpoint() -> None:
        await asyncio.Event().wait()

    outcome = play(app, get("/")).outcome
    assert (outcome.kind, outcome.line) == ("stuck", line_in(endpoint, 2))
    assert outcome.waiting[0].what == "Event.wait"


def test_who_waits_for_a_body_is_said_to_wait_for_that() -> None:
    app = FastAPI()

    @app.post("/")
    async def endpoint(request: Request) -> None:
        await request.body()

    outcome = play(app, post("/", pieces=[b"one", b"two"], every=300), time_limit=100).outcome
    assert [(one.line, one.what) for one in outcome.waiting] == [
        (line_in(endpoint, 2), "a request body")
    ]


def test_what_an_endpoint_held_when_it_was_broken_off_is_no_incident() -> None:
    async def endpoint() -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        threading.Event().wait()
        await task

    trace = trace_of(endpoint)
    assert (trace.outcome.kind, trace.outcome.line) == ("stuck", line_in(endpoint, 2))
    assert trace.incidents == ()


# Loops without end


async def counts_for_ever() -> None:
    number = 0
    while True:
        number += 1


def counts_for_ever_in_a_thread() -> None:
    number = 0
    while True:
        number += 1


@pytest.mark.parametrize("endpoint", [counts_for_ever, counts_for_ever_in_a_thread])
def test_an_endless_loop_is_ended_in_it(
    endpoint: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "COMPUTES", 1.0)
    outcome = trace_of(endpoint).outcome
    assert outcome.kind == "endless-loop"
    assert outcome.line in (line_in(endpoint, 2), line_in(endpoint, 3))
    assert_the_next_play_works()


def test_a_loop_that_is_lost_in_c_is_left_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "IS_LOST", 2.0)

    async def endpoint() -> None:
        LIBC.usleep(10_000_000)

    outcome = trace_of(endpoint).outcome
    assert (outcome.kind, outcome.line) == ("stuck", line_in(endpoint, 1))
    assert_the_next_play_works()


def _end_of_hung(text: str) -> tuple[int, str]:
    """How a process ends in which a play hangs, and what it says."""
    beginning = """
        import time
        import grader.testing.watchdog as watchdog
        from fastapi import FastAPI
        from grader import get, play

        watchdog.IS_HUNG = 3.0
        app = FastAPI()
        """
    code = textwrap.dedent(beginning) + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stderr


SPIN = """
        @app.get("/")
        async def spin():
            return sum(range(10**15))

        play(app, get("/"))
        """


def test_code_in_c_that_never_lets_go_ends_the_process_with_its_line() -> None:
    """Nothing in the process can interrupt it."""
    status, said = _end_of_hung(SPIN)
    assert status == 1
    assert 'File "<string>", line 12 in spin' in said


def test_code_in_c_may_hold_the_lock_before_anything_looks() -> None:
    """On a busy machine the play may be that far when who started it has its next turn."""
    starts_late = """
        start = watchdog.start_in_real_time

        def start_and_sleep(thread):
            start(thread)
            time.sleep(1)

        watchdog.start_in_real_time = start_and_sleep
        """
    status, said = _end_of_hung(starts_late + SPIN)
    assert status == 1
    assert "in spin" in said


def test_process_in_which_our_own_code_hangs_is_ended_with_its_line() -> None:
    """A fault of ours is neither the app's nor anything to wait for."""
    status, said = _end_of_hung(
        """
        import grader.driver.exchange as exchange
        from grader.clock.real_time import sleep

        text = "async def hang(*args): sleep(1000)"  # as if it stood there
        exec(compile(text, exchange.__file__, "exec"), globals())
        exchange.Conversation.run = hang

        @app.get("/")
        async def answer(): ...

        play(app, get("/"))
        """
    )
    assert status == 1
    assert "in hang" in said


def test_threads_that_waited_for_ever_keep_no_process_alive() -> None:
    """Python waits for the threads of its pools before it ends."""
    code = textwrap.dedent(
        """
        import threading
        from fastapi import FastAPI, Request
        from grader import get, play

        app = FastAPI()
        lock = threading.Lock()
        lock.acquire()

        @app.get("/")
        async def wait():
            import asyncio
            await asyncio.to_thread(lock.acquire)

        print(play(app, get("/")).outcome.kind)
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "stuck"), done.stderr
