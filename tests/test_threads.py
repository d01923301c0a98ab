"""Threads on the clock: `def` endpoints, pools, locks, and loops in threads of their own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import logging
import multiprocessing
import queue
import select
import selectors
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import anyio.from_thread
import anyio.to_thread
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse

from grader import Trace, blocks, get, play, scenario, times
from grader.clock import Clock
from grader.clock.clock import Actor
from grader.clock.current import current_clock
from grader.clock.install import clocks_installed
from grader.clock.loop import LOOK_AT_THREAD_EVERY
from grader.clock.real_time import real_get
from grader.clock.real_time import sleep as real_sleep
from grader.clock.threads import start_in_real_time
from grader.model.trace import encode
from grader.processes.threads import is_asleep


def app_of(endpoint: Callable[..., Any]) -> FastAPI:
    app = FastAPI()
    app.get("/")(endpoint)
    return app


def answer(endpoint: Callable[..., Any]) -> Any:
    """What an endpoint answers to one request."""
    trace = play(app_of(endpoint), get("/"))
    assert trace.outcome.kind == "finished", trace.outcome
    assert trace.exchanges[0].status == 200, trace.exchanges[0].raised
    return trace.exchanges[0].json()


def elapsed(trace: Trace) -> list[float | None]:
    return [exchange.elapsed for exchange in trace.exchanges]


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let Python change threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# Places for `def` endpoints


def two_seconds() -> JSONResponse:  # FastAPI would check another type in a thread, too
    time.sleep(2)
    return JSONResponse(time.monotonic())


def test_forty_five_def_requests_of_two_seconds_take_four() -> None:
    trace = play(app_of(two_seconds), times(45, get("/")))
    assert elapsed(trace) == [2.0] * 40 + [4.0] * 5
    assert trace.exchanges[44].json() == 4.0


def test_a_scenario_says_how_many_threads_the_server_has() -> None:
    trace = play(app_of(two_seconds), scenario(times(5, get("/")), threads=2))
    assert elapsed(trace) == [2.0, 2.0, 4.0, 4.0, 6.0]


def test_the_default_executor_has_thirty_two_threads() -> None:
    async def endpoint() -> float:
        await asyncio.to_thread(time.sleep, 2)
        return time.monotonic()

    trace = play(app_of(endpoint), times(33, get("/")))
    assert elapsed(trace) == [2.0] * 32 + [4.0]


def test_the_loop_goes_on_while_a_thread_sleeps() -> None:
    app = app_of(two_seconds)

    @app.get("/quick")
    async def quick() -> float:
        await asyncio.sleep(0.5)
        return time.monotonic()

    trace = play(app, get("/"), get("/quick", at=1))
    assert [exchange.json() for exchange in trace.exchanges] == [2.0, 1.5]
    assert not trace.incidents


def test_a_def_generator_is_streamed_from_a_thread() -> None:
    def endpoint() -> StreamingResponse:
        def lines() -> Any:
            for number in range(3):
                time.sleep(1)
                yield f"{number}\n"

        return StreamingResponse(lines())

    trace = play(app_of(endpoint), get("/"))
    assert [chunk.at.seconds for chunk in trace.exchanges[0].chunks] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("head_start", [0, 1])
def test_a_thread_that_still_sleeps_when_the_play_is_over_is_let_go(head_start: int) -> None:
    threads: list[threading.Thread] = []

    async def endpoint() -> None:
        threads.append(threading.Thread(target=time.sleep, args=(1_000,)))
        threads[0].start()
        await asyncio.sleep(head_start)

    play(app_of(endpoint), scenario(get("/"), drain=0))
    threads[0].join(5)
    assert not threads[0].is_alive()


# Pools


def test_an_executor_of_ones_own_has_its_own_places() -> None:
    async def endpoint() -> list[Any]:
        loop = asyncio.get_running_loop()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            calls = [loop.run_in_executor(pool, time.sleep, 1) for _ in range(5)]
            await asyncio.gather(*calls)
        return [time.monotonic()]

    assert answer(endpoint) == [3.0]


def test_map_and_as_completed_keep_virtual_time() -> None:
    def work(seconds: float) -> float:
        time.sleep(seconds)
        return time.monotonic()

    def endpoint() -> list[Any]:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            mapped = list(pool.map(work, [1] * 8))
            futures = [pool.submit(work, seconds) for seconds in (3, 1, 2)]
            finished = [f.result() for f in concurrent.futures.as_completed(futures)]
        return [mapped, finished]

    assert answer(endpoint) == [[1.0] * 4 + [2.0] * 4, [3.0, 4.0, 5.0]]


def test_a_limiter_of_ones_own_lets_in_as_many_as_it_says() -> None:
    limiter: list[anyio.CapacityLimiter] = []

    async def endpoint() -> float:
        limiter.append(anyio.CapacityLimiter(2))
        await anyio.to_thread.run_sync(time.sleep, 1, limiter=limiter[0])
        return time.monotonic()

    trace = play(app_of(endpoint), times(4, get("/")))
    assert [exchange.json() for exchange in trace.exchanges] == [1.0, 1.0, 2.0, 2.0]


# Timeouts around threads


def test_a_timeout_does_not_wait_for_the_thread_that_it_gives_up() -> None:
    async def endpoint() -> list[float]:
        try:
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 5), 2)
        except TimeoutError:
            return [time.monotonic()]
        return []

    assert answer(endpoint) == [2.0]


def test_anyio_waits_for_its_thread_unless_it_may_abandon_it() -> None:
    async def endpoint(abandon: bool) -> float:
        with anyio.move_on_after(2):
            await anyio.to_thread.run_sync(time.sleep, 5, abandon_on_cancel=abandon)
        return time.monotonic()

    trace = play(app_of(endpoint), get("/?abandon=0"), get("/?abandon=1"))
    assert [exchange.json() for exchange in trace.exchanges] == [5.0, 2.0]


def test_a_thread_may_wait_for_an_event_no_longer_than_it_says() -> None:
    def endpoint() -> list[Any]:
        return [threading.Event().wait(3), time.monotonic()]

    assert answer(endpoint) == [False, 3.0]


def wait_at_a_simple_queue() -> None:
    with pytest.raises(queue.Empty):
        queue.SimpleQueue[int]().get(timeout=3)


def wait_in_select() -> None:
    assert select.select([], [], [], 3) == ([], [], [])


def wait_at_a_selector() -> None:
    ours, theirs = socket.socketpair()
    with selectors.DefaultSelector() as selector, ours, theirs:
        selector.register(ours, selectors.EVENT_READ)
        assert selector.select(3) == []


def wait_at_a_socket() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(3)
    with ours, theirs, pytest.raises(TimeoutError):
        ours.recv(1)


def wait_for_a_client() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(3)
    with listening, pytest.raises(TimeoutError):
        listening.accept()


def wait_at_a_pipe_of_ones_own() -> None:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        assert not ours.poll(3)


@pytest.mark.parametrize(
    "wait",
    [
        wait_at_a_simple_queue,
        wait_in_select,
        wait_at_a_selector,
        wait_at_a_socket,
        wait_for_a_client,
        wait_at_a_pipe_of_ones_own,
    ],
)
def test_a_thread_may_wait_in_c_no_longer_than_it_says(wait: Callable[[], None]) -> None:
    def endpoint() -> float:
        wait()
        return time.monotonic()

    assert answer(endpoint) == 3.0


def test_what_comes_before_the_time_is_up_ends_a_wait() -> None:
    items: queue.SimpleQueue[int] = queue.SimpleQueue()
    ours, theirs = socket.socketpair()
    app = FastAPI()

    @app.get("/queue")
    def at_the_queue() -> list[float]:
        return [items.get(timeout=9), time.monotonic()]

    @app.get("/socket")
    def at_the_socket() -> list[float]:
        ours.settimeout(9)
        return [len(ours.recv(9)), time.monotonic()]

    @app.get("/bring")
    async def bring() -> None:
        items.put(7)
        theirs.send(b"abc")

    with ours, theirs:
        trace = play(app, get("/queue"), get("/socket"), get("/bring", at=2))
    assert [exchange.json() for exchange in trace.exchanges] == [[7, 2.0], [3, 2.0], None]


def test_a_pool_of_threads_of_multiprocessing_lives_by_the_clock() -> None:
    def endpoint() -> float:
        with ThreadPool(2) as pool:
            pool.map(time.sleep, [1, 1, 1, 1], chunksize=1)
        return time.monotonic()

    assert answer(endpoint) == 2.0


def test_a_thread_may_wait_at_a_queue_no_longer_than_it_says() -> None:
    def endpoint() -> float:
        with pytest.raises(queue.Empty):
            queue.Queue[int]().get(timeout=3)
        return time.monotonic()

    assert answer(endpoint) == 3.0


def test_a_thread_may_wait_for_a_coroutine_no_longer_than_it_says() -> None:
    async def endpoint() -> list[float]:
        loop = asyncio.get_running_loop()

        def work() -> list[float]:
            future = asyncio.run_coroutine_threadsafe(asyncio.sleep(5), loop)
            with pytest.raises(TimeoutError):
                future.result(timeout=2)
            return [time.monotonic()]

        return await asyncio.to_thread(work)

    assert answer(endpoint) == [2.0]


def test_a_timer_thread_goes_off_at_its_moment() -> None:
    async def endpoint() -> list[float]:
        moments: list[float] = []
        threading.Timer(2, lambda: moments.append(time.monotonic())).start()
        await asyncio.sleep(3)
        return moments

    assert answer(endpoint) == [2.0]


# Turns


def test_polling_a_thread_with_sleep_zero_gets_on() -> None:
    async def endpoint() -> float:
        call = asyncio.create_task(asyncio.to_thread(time.sleep, 2))
        while not call.done():
            await asyncio.sleep(0)
        return time.monotonic()

    assert answer(endpoint) == 2.0


def test_the_loop_stands_still_while_a_thread_has_its_turn(hasty: None) -> None:
    async def endpoint() -> list[str]:
        order: list[str] = []
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(order.append, "loop")
            for _ in range(50):
                order.append("thread")
                logging.debug("a moment")

        await asyncio.to_thread(work)
        return order

    for _ in range(20):
        assert answer(endpoint) == ["thread"] * 50 + ["loop"]


def test_a_thread_that_ends_between_two_looks_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look = Clock.busy.fget
    assert look is not None

    def look_late(clock: Clock) -> bool:
        while clock._running is not None:
            real_sleep(0.001)
        return look(clock)

    def endpoint() -> JSONResponse:
        start = time.thread_time()
        while time.thread_time() - start < 5 * LOOK_AT_THREAD_EVERY:
            pass
        return JSONResponse(time.monotonic())

    app = app_of(endpoint)

    @app.get("/beat")
    async def beat() -> None:
        await asyncio.sleep(1)

    monkeypatch.setattr(Clock, "busy", property(look_late))
    assert elapsed(play(app, get("/"))) == [0.0]
    assert elapsed(play(app, get("/"), get("/beat"))) == [0.0, 1.0]


# Locks, events and queues between threads


@pytest.mark.parametrize("make", [threading.Lock, threading.RLock, threading.Condition])
def test_a_lock_lets_one_thread_after_the_other(make: Callable[[], Any]) -> None:
    lock = make()

    def endpoint() -> float:
        with lock:
            time.sleep(1)
        return time.monotonic()

    trace = play(app_of(endpoint), times(4, get("/")))
    assert elapsed(trace) == [1.0, 2.0, 3.0, 4.0]


def test_a_semaphore_lets_as_many_threads_in_as_it_says() -> None:
    semaphore = threading.BoundedSemaphore(2)

    def endpoint() -> None:
        with semaphore:
            time.sleep(1)

    assert elapsed(play(app_of(endpoint), times(5, get("/")))) == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_a_barrier_lets_threads_go_when_the_last_one_is_there() -> None:
    barrier = threading.Barrier(3)

    def endpoint(seconds: float) -> None:
        time.sleep(seconds)
        barrier.wait()

    trace = play(app_of(endpoint), *(get(f"/?seconds={s}") for s in (0, 1, 3)))
    assert elapsed(trace) == [3.0] * 3


def test_a_condition_wakes_the_threads_that_it_is_told_to() -> None:
    condition, there = threading.Condition(), []

    def endpoint() -> None:
        with condition:
            there.append(1)
            condition.notify_all()
            assert condition.wait_for(lambda: len(there) == 3, timeout=10)

    assert elapsed(play(app_of(endpoint), *(get("/", at=at) for at in (0, 1, 2)))) == [2, 1, 0]


def test_an_event_set_on_the_loop_wakes_a_thread_at_that_moment() -> None:
    async def endpoint() -> list[float]:
        event = threading.Event()

        def work() -> float:
            event.wait()
            return time.monotonic()

        call = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.sleep(2)
        event.set()
        return [await call]

    assert answer(endpoint) == [2.0]


def test_a_queue_hands_things_to_a_thread_at_their_moments() -> None:
    async def endpoint() -> list[float]:
        things: queue.Queue[int | None] = queue.Queue()

        def work() -> list[float]:
            return [time.monotonic() for _ in iter(things.get, None)]

        call = asyncio.create_task(asyncio.to_thread(work))
        for number in range(3):
            await asyncio.sleep(1)
            things.put(number)
        things.put(None)
        return await call

    assert answer(endpoint) == [1.0, 2.0, 3.0]


def test_a_thread_can_join_the_threads_that_it_starts() -> None:
    def endpoint() -> float:
        threads = [threading.Thread(target=time.sleep, args=(s,)) for s in (1, 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.monotonic()

    assert answer(endpoint) == 2.0


# The loop's own thread waits for another one


def blocked_for(endpoint: Callable[..., Any]) -> float:
    """Seconds that the endpoint kept the loop blocked, as the trace has it."""
    trace = play(app_of(endpoint), get("/"))
    assert trace.outcome.kind == "finished"
    assert trace.exchanges[0].status == 200, trace.exchanges[0].raised
    assert {incident.kind for incident in trace.incidents} == {"loop-blocked"}
    return sum(incident.seconds for incident in trace.incidents)


def test_join_on_the_loop_blocks_it() -> None:
    async def endpoint() -> None:
        thread = threading.Thread(target=time.sleep, args=(2,))
        thread.start()
        thread.join()
        assert time.monotonic() == 2.0

    assert blocked_for(endpoint) == 2.0


def test_the_result_of_a_future_on_the_loop_blocks_it() -> None:
    async def endpoint() -> None:
        pool = concurrent.futures.ThreadPoolExecutor()
        pool.submit(time.sleep, 2).result()
        assert time.monotonic() == 2.0

    assert blocked_for(endpoint) == 2.0


def test_a_lock_that_a_thread_holds_blocks_the_loop() -> None:
    async def endpoint() -> None:
        lock, held = threading.Lock(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def hold() -> None:
            with lock:
                loop.call_soon_threadsafe(held.set)
                time.sleep(2)

        threading.Thread(target=hold).start()
        await held.wait()
        with lock:
            assert time.monotonic() == 2.0

    assert blocked_for(endpoint) == 2.0


def test_a_lock_that_its_owner_may_take_again_blocks_the_loop_too() -> None:
    script = """
        import asyncio, threading, time
        from fastapi import FastAPI
        from grader import get, play

        app = FastAPI()

        @app.get("/")
        async def endpoint():
            lock = threading.RLock()

            def hold():
                with lock:
                    time.sleep(2)

            threading.Thread(target=hold).start()
            await asyncio.sleep(1)
            with lock:
                return time.monotonic()

        trace = play(app, get("/"))
        print(trace.exchanges[0].text, [incident.seconds for incident in trace.incidents])
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert run.stdout == "2.0 [1.0]\n"


def test_a_portal_on_the_loop_blocks_it() -> None:
    async def endpoint() -> None:
        with anyio.from_thread.start_blocking_portal() as portal:
            portal.call(anyio.sleep, 1)
        assert time.monotonic() == 1.0

    assert blocked_for(endpoint) == 1.0


def test_a_timeout_of_a_lock_on_the_loop_is_virtual() -> None:
    async def endpoint() -> None:
        lock = threading.Lock()
        lock.acquire()
        assert not lock.acquire(timeout=2)
        assert time.monotonic() == 2.0

    assert blocked_for(endpoint) == 2.0


def test_a_timeout_of_a_future_on_the_loop_is_virtual() -> None:
    async def endpoint() -> None:
        future = concurrent.futures.ThreadPoolExecutor().submit(time.sleep, 5)
        with pytest.raises(TimeoutError):
            future.result(timeout=2)
        assert time.monotonic() == 2.0

    assert blocked_for(endpoint) == 2.0


def test_a_free_lock_blocks_nobody() -> None:
    async def endpoint() -> None:
        with threading.Lock(), threading.RLock():
            await asyncio.sleep(1)

    assert not play(app_of(endpoint), get("/")).incidents


# From a thread to the loop


def test_a_thread_can_run_a_coroutine_on_the_loop() -> None:
    async def endpoint() -> list[Any]:
        loop = asyncio.get_running_loop()

        def work() -> list[Any]:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(1), loop).result()
            return [time.monotonic(), threading.get_ident() != home]

        home = threading.get_ident()
        return await asyncio.to_thread(work)

    assert answer(endpoint) == [1.0, True]


def test_a_def_endpoint_can_call_back_through_anyio() -> None:
    def endpoint() -> float:
        anyio.from_thread.run(anyio.sleep, 1)
        return anyio.from_thread.run_sync(anyio.current_time)

    assert answer(endpoint) == 1.0


def test_a_portal_of_the_loop_serves_a_thread() -> None:
    async def endpoint() -> float:
        async with anyio.from_thread.BlockingPortal() as portal:
            await anyio.to_thread.run_sync(portal.call, anyio.sleep, 1)
        return time.monotonic()

    assert answer(endpoint) == 1.0


def test_context_reaches_a_thread() -> None:
    language: contextvars.ContextVar[str] = contextvars.ContextVar("language")

    async def endpoint() -> list[str]:
        language.set("fi")
        return [await asyncio.to_thread(language.get), await anyio.to_thread.run_sync(language.get)]

    assert answer(endpoint) == ["fi", "fi"]


# Loops in threads of their own


async def a_second() -> float:
    await asyncio.sleep(1)
    return time.monotonic()


def test_asyncio_run_in_a_thread_lives_by_the_same_clock() -> None:
    def endpoint() -> list[float]:
        return [asyncio.run(a_second()), asyncio.run(a_second(), debug=True)]

    trace = play(app_of(endpoint), times(3, get("/")))
    assert [exchange.json() for exchange in trace.exchanges] == [[1.0, 2.0]] * 3


def test_a_runner_in_a_thread_can_be_used_again() -> None:
    def endpoint() -> list[float]:
        with asyncio.Runner() as runner:
            return [runner.run(a_second()), runner.run(a_second())]

    assert answer(endpoint) == [1.0, 2.0]


def test_a_portal_can_be_started_in_a_thread() -> None:
    def endpoint() -> float:
        with anyio.from_thread.start_blocking_portal() as portal:
            portal.start_task_soon(anyio.sleep, 2)
            portal.call(anyio.sleep, 1)
        return time.monotonic()

    assert answer(endpoint) == 2.0


def test_a_loop_in_a_thread_takes_work_from_the_loop_of_the_server() -> None:
    async def endpoint() -> list[float]:
        other = asyncio.new_event_loop()
        thread = threading.Thread(target=other.run_forever)
        thread.start()
        called = asyncio.run_coroutine_threadsafe(a_second(), other)
        told = await asyncio.wrap_future(called)
        other.call_soon_threadsafe(other.stop)
        await asyncio.to_thread(thread.join)
        other.close()
        return [told, time.monotonic()]

    assert answer(endpoint) == [1.0, 1.0]


# The same play again


def alternate() -> float:
    anyio.from_thread.run(anyio.sleep, 0.25)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(time.sleep, 0.5).result()
    return asyncio.run(a_second())


@pytest.mark.parametrize("endpoint", [two_seconds, alternate])
def test_the_same_play_of_threads_gives_the_same_trace(endpoint: Callable[..., Any]) -> None:
    what = scenario(times(6, get("/")), get("/", at=0.5), threads=3)
    first = play(app_of(endpoint), what)
    assert first.outcome.kind == "finished"
    for _ in range(10):
        assert encode(play(app_of(endpoint), what)) == encode(first)


def test_what_a_pool_calls_belongs_to_the_request_that_submitted_it() -> None:
    def factory(compute: Callable[[], int]) -> FastAPI:
        app = FastAPI()

        @app.get("/quick")
        async def quick() -> int:
            return 0

        @app.get("/compute")
        async def run() -> int:
            return await asyncio.get_running_loop().run_in_executor(None, compute)

        return app

    trace = play(factory, get("/quick"), get("/compute", at=1), compute=blocks(2, 42))
    assert [call.exchange for call in trace.calls("compute")] == [1]


# The end of the process


def leaving_work_behind(start: Callable[[Callable[[], Any]], Any]) -> tuple[list[str], float]:
    """What of a thread's ten seconds was done when the process was gone, and when that was."""
    done: list[str] = []

    def work() -> None:
        done.append("began")
        time.sleep(10)
        done.append("ended")

    async def endpoint() -> None:
        start(work)

    trace = play(app_of(endpoint), scenario(get("/"), drain=0))
    return done, trace.ended / 1e6


def in_thread_of_thread(work: Callable[[], Any]) -> None:
    threading.Thread(target=lambda: threading.Thread(target=work).start()).start()


def in_default_executor(work: Callable[[], Any]) -> None:
    asyncio.get_running_loop().run_in_executor(None, work)


POOL = concurrent.futures.ThreadPoolExecutor(1)


@pytest.mark.parametrize(
    ("start", "done", "ended"),
    [
        (lambda work: threading.Thread(target=work).start(), ["began", "ended"], 10),
        (in_thread_of_thread, ["began", "ended"], 10),
        (lambda work: threading.Thread(target=work, daemon=True).start(), ["began"], 0),
        (in_default_executor, ["began", "ended"], 10),
        (lambda work: [POOL.submit(work) for _ in range(2)], ["began", "ended"] * 2, 20),
    ],
    ids=["thread", "thread of a thread", "daemon", "default executor", "pool"],
)
def test_process_waits_for_what_python_waits_for(
    start: Callable[[Callable[[], Any]], Any], done: list[str], ended: float
) -> None:
    assert leaving_work_behind(start) == (done, ended)


def test_process_that_does_not_exit_is_killed() -> None:
    """A thread that polls for ever does not keep it alive for more than a minute."""

    async def endpoint() -> None:
        def poll() -> None:
            while True:
                time.sleep(1)

        threading.Thread(target=poll).start()

    trace = play(app_of(endpoint), scenario(get("/"), drain=0))
    assert (trace.outcome.kind, trace.ended) == ("finished", 60_000_000)


def test_clock_knows_when_a_thread_goes_on_as_soon_as_it_rests() -> None:
    """Else a loop that looks in between finds nobody at work, and nothing to wait for."""

    class Looking(Clock):
        def _give_up(self, actor: Actor) -> None:
            super()._give_up(actor)
            due.append(self.next_parked())

    due: list[int | None] = []
    clock = Looking()
    actor = clock.enlist()
    clock.give_turn()
    thread = threading.Thread(target=clock.park, args=(actor, 5))
    thread.start()
    while not due:
        real_sleep(0.001)
    clock.advance_to(5)
    clock.give_turn()
    thread.join()
    assert due == [5]


def test_thread_that_has_to_wait_for_the_clocks_own_lock_does_not_wait_on_the_clock() -> None:
    """On a busy machine another thread may hold it for long, having lost its processor."""

    def endpoint() -> str:
        clock, waiter = current_clock(), threading.get_native_id()
        assert clock is not None
        holds = queue.SimpleQueue[None]()

        def hold() -> None:
            with clock._lock:
                holds.put(None)
                while not is_asleep(waiter):
                    real_sleep(0.005)

        start_in_real_time(threading.Thread(target=hold, daemon=True))
        real_get(holds)
        time.sleep(1)
        return "slept"

    with clocks_installed():  # as a player does before all else
        assert answer(endpoint) == "slept"
