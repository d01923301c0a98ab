"""What time it is in a play, however its code has come by the functions that tell it."""

from __future__ import annotations

import asyncio
import datetime
import functools
import pickle
import random
import sched
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import date as bound_date
from datetime import datetime as bound_datetime
from time import monotonic as bound_monotonic
from time import perf_counter as bound_perf_counter
from time import sleep as bound_sleep
from time import time as bound_time
from time import time_ns as bound_time_ns
from typing import Any, TypeVar

import pytest

from grader.clock import Clock, clocks_installed, use_clock
from grader.clock.clock import EPOCH
from grader.clock.real_time import real
from grader.clock.redirecting import _Function, check_layout
from grader.clock.virtual_time import _methods
from grader.model.trace import to_seconds, to_ticks

T = TypeVar("T")

LOCAL = datetime.datetime.fromtimestamp(EPOCH + 2.5)
UTC = datetime.datetime(2026, 1, 1, 0, 0, 2, 500_000, datetime.UTC)

bound_now, bound_utcnow, bound_today = (
    datetime.datetime.now,
    bound_datetime.utcnow,
    bound_date.today,
)


class Stopwatch:
    clock = time.monotonic

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.now = now


bound_stopwatch, bound_partial = Stopwatch(), functools.partial(time.monotonic)


def run(main: Callable[[], Coroutine[Any, Any, T]], clock: Clock | None = None) -> T:
    with clocks_installed(), use_clock(clock or Clock()):
        return asyncio.run(main())


def after(seconds: float, read: Callable[[], T]) -> T:
    """What a function returns at a moment of a play."""

    async def main() -> T:
        await asyncio.sleep(seconds)
        return read()

    return run(main)


# Names


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (bound_monotonic, 2.5),
        (bound_perf_counter, 2.5),
        (bound_time, EPOCH + 2.5),
        (bound_time_ns, EPOCH * 10**9 + 2_500_000_000),
        (Stopwatch.clock, 2.5),
        (bound_stopwatch.now, 2.5),
        (bound_partial, 2.5),
        (bound_now, LOCAL),
        (functools.partial(bound_now, tz=datetime.UTC), UTC),
        (functools.partial(bound_now, datetime.UTC), UTC),
        (bound_utcnow, UTC.replace(tzinfo=None)),
        (bound_today, datetime.date.fromtimestamp(EPOCH)),
        (bound_datetime.today, LOCAL),
        (lambda: next(map(datetime.datetime.now, [None])), LOCAL),
    ],
)
def test_a_name_bound_before_the_play_tells_the_time_of_the_play(
    read: Callable[[], Any], expected: Any
) -> None:
    assert after(2.5, read) == expected


def test_a_sleep_bound_before_the_play_takes_virtual_time() -> None:
    began = real["monotonic"]()
    assert after(1, lambda: (bound_sleep(500), bound_monotonic())[1]) == 501
    assert real["monotonic"]() - began < 100


def test_a_sleep_bound_before_the_play_parks_a_worker_thread() -> None:
    async def main() -> float:
        await asyncio.gather(*[asyncio.to_thread(bound_sleep, 2) for _ in range(3)])
        return bound_monotonic()

    assert run(main) == 2.0


def test_a_library_that_keeps_the_functions_as_defaults_follows_the_clock() -> None:
    def work() -> list[float]:
        rang: list[float] = []
        timetable = sched.scheduler()
        timetable.enter(30, 1, lambda: rang.append(time.monotonic()))
        timetable.run()
        return rang

    assert after(0, work) == [30.0]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (time.gmtime, time.gmtime(EPOCH + 2)),
        (time.localtime, time.localtime(EPOCH + 2)),
        (lambda: time.gmtime(None), time.gmtime(EPOCH + 2)),
        (lambda: time.gmtime(86_400), time.gmtime(86_400)),
        (time.ctime, time.ctime(EPOCH + 2)),
        (time.asctime, time.asctime(time.localtime(EPOCH + 2))),
        (lambda: time.asctime(time.gmtime(0)), "Thu Jan  1 00:00:00 1970"),
        (lambda: time.strftime("%Y %S"), time.strftime("%Y %S", time.localtime(EPOCH + 2))),
        (lambda: time.strftime("%Y", time.gmtime(0)), "1970"),
        (lambda: time.clock_gettime(time.CLOCK_REALTIME), EPOCH + 2.5),
        (lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC), 2_500_000_000),
    ],
)
def test_what_works_on_the_present_takes_that_of_the_play(
    read: Callable[[], Any], expected: Any
) -> None:
    assert after(2.5, read) == expected


def test_cpu_time_stays_real() -> None:
    assert after(300, time.process_time) < 300
    assert after(300, time.thread_time) < 300
    assert after(300, lambda: time.clock_gettime(time.CLOCK_PROCESS_CPUTIME_ID)) < 300


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: bound_sleep(-1), "sleep length must be non-negative"),
        (lambda: bound_sleep(float("nan")), "Invalid value NaN (not a number)"),
        (lambda: bound_sleep("1"), "'str' object cannot be interpreted as an integer"),
        (lambda: bound_sleep(), "time.sleep() takes exactly one argument (0 given)"),
        (lambda: bound_monotonic(1), "time.monotonic() takes no arguments (1 given)"),
        (lambda: time.gmtime("x"), "'str' object cannot be interpreted as an integer"),
        (lambda: time.strftime(), None),
        (lambda: time.clock_gettime(-77), None),
        (lambda: datetime.datetime.now("x"), None),
    ],
)
def test_a_wrong_call_raises_what_it_raises_in_life(
    call: Callable[[], Any], error: str | None
) -> None:
    with pytest.raises((TypeError, ValueError, OSError)) as in_life:
        call()
    with pytest.raises(in_life.type) as in_play:
        after(0, call)
    assert error is None or str(in_play.value) == error == str(in_life.value)


# What is left behind


def snapshot() -> list[bytes]:
    """The memory of all that a play redirects."""
    functions = [bytes(_Function.from_address(id(getattr(time, name))).target) for name in real]
    return [*functions, *(bytes(method._definition) for method in _methods.values())]


def test_nothing_that_a_play_redirects_outlives_it() -> None:
    before = snapshot()
    during = after(0, snapshot)
    assert all(one != other for one, other in zip(before, during, strict=True))
    assert snapshot() == before


def test_a_play_that_fails_puts_everything_back() -> None:
    before = snapshot()
    with pytest.raises(ZeroDivisionError):
        after(1, lambda: 1 / 0)
    assert snapshot() == before


def test_functions_look_in_a_play_as_they_do_in_life() -> None:
    def looks() -> list[Any]:
        return [
            repr(bound_sleep),
            pickle.dumps(bound_sleep),
            bound_sleep.__doc__,
            bound_sleep.__name__,
        ]

    assert after(0, looks) == looks()
    assert after(0, lambda: pickle.loads(pickle.dumps(bound_time))) is bound_time


def test_other_threads_keep_real_time_during_a_play() -> None:
    told: list[Any] = []
    go, done = threading.Event(), threading.Event()

    def outsider() -> None:
        go.wait()
        told.extend([bound_monotonic(), bound_time(), bound_now(), time.gmtime(), bound_sleep(0)])
        done.set()

    thread = threading.Thread(target=outsider)
    thread.start()
    start = time.monotonic(), time.time(), datetime.datetime.now(), time.gmtime()

    async def main() -> None:
        await asyncio.sleep(400)
        go.set()

    run(main)
    thread.join()
    assert start <= tuple(told[:4])
    assert told[1] - start[1] < 300
    assert told[2] - start[2] < datetime.timedelta(seconds=300)


def test_the_kits_own_clock_is_real_in_a_play() -> None:
    before = time.monotonic()
    assert before <= after(500, real["monotonic"]) <= time.monotonic()


def test_the_layout_of_pythons_functions_is_as_expected() -> None:
    check_layout()


def test_another_layout_is_refused_with_a_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.clock.redirecting._bound_to", lambda function: 1)
    with pytest.raises(RuntimeError, match=r"lays out its functions differently from CPython"):
        check_layout()


# Readings


@pytest.mark.parametrize("read", [time.time, time.monotonic, time.perf_counter])
def test_every_clock_shows_at_least_what_was_slept(read: Callable[[], float]) -> None:
    draw = random.Random(1)

    async def main() -> list[tuple[float, float]]:
        short = []
        for _ in range(3000):
            seconds = draw.choice([0.1, 0.2, 0.3, round(draw.uniform(0, 0.2), draw.randint(1, 6))])
            start = read()
            if draw.random() < 0.5:
                await asyncio.sleep(seconds)
            else:
                time.sleep(seconds)
            if read() - start < seconds:
                short.append((start, seconds))
        return short

    assert run(main, Clock(epoch=1_767_225_600.123456)) == []


@pytest.mark.parametrize("read", [time.time, time.monotonic])
@pytest.mark.parametrize("seed", range(3))
def test_a_deadline_is_reached_and_nothing_polls_for_ever(
    read: Callable[[], float], seed: int
) -> None:
    draw = random.Random(seed)

    async def main() -> list[tuple[float, float]]:
        late = []
        for _ in range(500):
            await asyncio.sleep(round(draw.uniform(0, 0.3), draw.randint(1, 6)))
            budget = round(draw.uniform(0, 1), draw.randint(1, 6))
            began, deadline, rounds = read(), read() + budget, 0
            while (left := deadline - read()) > 0 and rounds < 100:
                await asyncio.sleep(min(left, 0.1))
                rounds += 1
            if rounds > budget / 0.1 + 3 or not 0 <= read() - began - budget < 1e-5:
                late.append((began, budget))
        return late

    assert run(main) == []


def test_a_deadline_by_the_loops_own_time_is_reached_at_its_tick() -> None:
    async def main() -> list[float]:
        loop, ends = asyncio.get_running_loop(), []
        for start in (0.1, 0.5, 0.7, 1.6, 2.2, 3.3):
            began = loop.time()
            deadline = loop.time() + start
            while (left := deadline - loop.time()) > 0:
                await asyncio.sleep(min(left, 0.1))
            ends.append(to_seconds(to_ticks(loop.time() - began)))
        return ends

    assert run(main) == [0.1, 0.5, 0.7, 1.6, 2.2, 3.3]


@pytest.mark.parametrize("start", [0, 0.1, 0.7, 1.6, 2.2, 3.3])
@pytest.mark.parametrize("timeout", [0.3, 0.7, 1.1, 2])
def test_a_blocking_timeout_ends_in_time_from_every_start(start: float, timeout: float) -> None:
    async def main() -> tuple[bool, int]:
        await asyncio.sleep(start)
        found = await asyncio.to_thread(threading.Event().wait, timeout)
        return found, to_ticks(time.monotonic())

    assert run(main) == (False, to_ticks(start + timeout))


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [(0.1 + 0.2, 300_000), (0.3, 300_000), (1e-7, 1), (0.1000001, 100_001), (1e-16, 0)],
)
def test_a_part_of_a_tick_counts_as_a_whole_one(seconds: float, ticks: int) -> None:
    assert to_ticks(seconds) == ticks


def test_every_whole_number_of_ticks_survives_as_seconds_and_in_sums() -> None:
    draw = random.Random(2)
    for _ in range(20_000):
        one, other = draw.randrange(10**9), draw.randrange(10**6)
        assert to_ticks(to_seconds(one)) == one
        assert to_ticks(to_seconds(one) + to_seconds(other)) == one + other
        assert to_ticks(to_seconds(one + other) - to_seconds(one)) == other


# Timers


def test_timers_are_checked_in_debug_mode_as_asyncio_checks_them() -> None:
    async def main() -> list[str]:
        loop, said = asyncio.get_running_loop(), []
        loop.set_debug(True)
        for arm in (loop.call_later, loop.call_at):
            with pytest.raises(TypeError) as error:
                arm(1, main)
            said.append(str(error.value))
        with pytest.raises(RuntimeError, match="Non-thread-safe operation"):
            await asyncio.to_thread(loop.call_later, 1, print)
        return said

    assert run(main) == asyncio.run(main())
