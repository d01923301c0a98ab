"""The virtual clock: ticks, timers, the ladder of the loop, and what time the code sees."""

from __future__ import annotations

import asyncio
import datetime
import random
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import pytest

from grader.clock import (
    Clock,
    RanAway,
    Stuck,
    VirtualLoop,
    clocks_installed,
    current_clock,
    use_clock,
)
from grader.clock.clock import EPOCH
from grader.clock.patching import shared
from grader.model.trace import TICKS_PER_SECOND, to_seconds, to_ticks

T = TypeVar("T")
SECOND = TICKS_PER_SECOND


def run(main: Callable[[], Coroutine[Any, Any, T]], clock: Clock | None = None) -> T:
    """What a coroutine function returns that runs on a virtual clock."""
    with clocks_installed(), use_clock(clock or Clock()):
        return asyncio.run(main())


def end_of(main: Callable[[], Coroutine[Any, Any, Any]], clock: Clock) -> Stuck | RanAway:
    """How a program ends that never comes to an end by itself."""
    ends: list[Stuck | RanAway] = []
    with (
        clocks_installed(),
        use_clock(clock),
        asyncio.Runner(loop_factory=lambda: VirtualLoop(clock)) as runner,
    ):
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        task = loop.create_task(main())

        def on_end(why: Stuck | RanAway) -> None:
            ends.append(why)
            task.cancel()

        loop.on_end = on_end
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
    return ends[0]


def now() -> float:
    return asyncio.get_running_loop().time()


# Ticks


def test_a_tenth_and_two_tenths_are_three_tenths() -> None:
    async def main() -> float:
        await asyncio.sleep(0.1)
        await asyncio.sleep(0.2)
        return now()

    assert run(main) == 0.3
    assert to_ticks(0.1) + to_ticks(0.2) == to_ticks(0.3)


def test_a_hundred_tenths_are_ten_seconds() -> None:
    async def main() -> float:
        for _ in range(100):
            await asyncio.sleep(0.1)
        return now()

    assert run(main) == 10.0


@pytest.mark.parametrize("ticks", [0, 1, 3, 299_999, 86_400 * SECOND + 7])
def test_ticks_survive_as_seconds(ticks: int) -> None:
    assert to_ticks(to_seconds(ticks)) == ticks


# The clock


def test_clock_starts_at_zero_and_tells_the_time_in_its_repr() -> None:
    clock = Clock()
    assert repr(clock) == "<Clock 0.000000 s>"
    clock.advance_to(1_500_000)
    assert clock.seconds == 1.5
    assert repr(clock) == "<Clock 1.500000 s>"


def test_clock_refuses_to_go_back() -> None:
    clock = Clock()
    clock.advance_to(5)
    clock.advance_to(5)
    with pytest.raises(ValueError, match="clock at 5 cannot go back to 4"):
        clock.advance_to(4)
    assert clock.now == 5


def test_clock_refuses_to_pass_its_time_limit() -> None:
    clock = Clock(time_limit=10)
    clock.advance_to(10)
    with pytest.raises(RanAway):
        clock.advance_to(11)


# Timers


def test_timers_of_one_tick_go_off_oldest_first() -> None:
    async def main() -> list[int]:
        gone: list[int] = []
        for number in range(20):
            asyncio.get_running_loop().call_at(1.0, gone.append, number)
        await asyncio.sleep(1.0)
        return gone

    assert run(main) == list(range(20))


def test_tasks_that_sleep_equally_long_wake_in_the_order_of_falling_asleep() -> None:
    async def main() -> list[int]:
        woken: list[int] = []

        async def sleeper(number: int) -> None:
            await asyncio.sleep(0.1 if number % 2 else 0.05)
            await asyncio.sleep(0.2 if number % 2 else 0.25)
            woken.append(number)

        await asyncio.gather(*map(sleeper, range(6)))
        return woken

    # Those of 0.05 s fell asleep for the second time first; all are due at 0.3 s.
    assert run(main) == [0, 2, 4, 1, 3, 5]


def test_a_tie_break_shuffles_timers_of_one_tick_and_no_others() -> None:
    async def main() -> list[tuple[float, int]]:
        gone: list[tuple[float, int]] = []
        loop = asyncio.get_running_loop()
        for number in range(20):
            loop.call_at(1 + number // 10, lambda n=number: gone.append((loop.time(), n)))
        await asyncio.sleep(5)
        return gone

    def shuffled(seed: int) -> list[tuple[float, int]]:
        clock = Clock()
        clock.tie_break = random.Random(seed).random
        return run(main, clock)

    assert [moment for moment, _ in shuffled(1)] == [1.0] * 10 + [2.0] * 10
    assert sorted(shuffled(1)) == run(main)
    assert shuffled(1) == shuffled(1)
    assert len({tuple(shuffled(seed)) for seed in range(5)}) > 1


def test_callbacks_of_call_soon_are_never_shuffled() -> None:
    async def main() -> list[int]:
        called: list[int] = []
        for number in range(20):
            asyncio.get_running_loop().call_soon(called.append, number)
        await asyncio.sleep(0)
        return called

    clock = Clock()
    clock.tie_break = random.Random(1).random
    assert run(main, clock) == list(range(20))


def test_what_is_ready_goes_before_what_is_due() -> None:
    async def main() -> list[str]:
        seen: list[str] = []
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1)
        loop.call_at(0.5, seen.append, "due since long")
        loop.call_soon(loop.call_soon, seen.append, "made by what is ready")
        loop.call_soon(seen.append, "ready")
        await asyncio.sleep(1)
        return seen

    assert run(main) == ["ready", "due since long", "made by what is ready"]


def test_cancelled_timers_neither_go_off_nor_hold_time_up() -> None:
    async def main() -> tuple[list[int], float]:
        gone: list[int] = []
        loop = asyncio.get_running_loop()
        for handle in [loop.call_later(5, gone.append, n) for n in range(300)]:
            handle.cancel()
        loop.call_later(1, gone.append, -1).cancel()
        await asyncio.sleep(10)
        return gone, now()

    assert run(main) == ([], 10.0)


def test_timer_tells_when_it_is_due() -> None:
    async def main() -> tuple[float, bool]:
        timer = asyncio.get_running_loop().call_later(0.3, int)
        timer.cancel()
        return timer.when(), timer.cancelled()

    assert run(main) == (0.3, True)


def test_sleeping_for_ever_can_be_cut_short() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(float("inf")), 2)
        return now()

    assert run(main) == 2.0


# The ends


def test_a_program_that_nothing_can_wake_is_stuck() -> None:
    async def main() -> None:
        await asyncio.sleep(1)
        await asyncio.Event().wait()

    clock = Clock()
    with pytest.raises(Stuck):
        run(main, clock)
    assert clock.seconds == 1.0


def test_a_heartbeat_without_end_runs_away_at_the_time_limit() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(1)

    clock = Clock(time_limit=60 * SECOND)
    assert isinstance(end_of(main, clock), RanAway)
    assert clock.seconds == 60.0


def test_spinning_without_any_timer_runs_away() -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    assert isinstance(end_of(main, Clock()), RanAway)


def test_a_deadlock_is_told_to_the_code_that_drives_the_loop() -> None:
    async def main() -> None:
        lock = asyncio.Lock()
        async with lock, lock:
            pass

    assert isinstance(end_of(main, Clock()), Stuck)


def test_polling_with_sleep_zero_gets_on() -> None:
    async def main() -> float:
        work = asyncio.create_task(asyncio.sleep(3))
        while not work.done():
            await asyncio.sleep(0)
        return now()

    assert run(main) == 3.0


def test_polling_the_time_itself_gets_on() -> None:
    async def main() -> float:
        heartbeat = asyncio.create_task(asyncio.sleep(4))
        while time.monotonic() < 2:
            await asyncio.sleep(0.25)
        heartbeat.cancel()
        return now()

    assert run(main) == 2.0


# What time it is


def test_time_is_virtual_for_all_that_runs_on_the_clock() -> None:
    async def main() -> None:
        await asyncio.sleep(2.5)
        assert time.time() == EPOCH + 2.5
        assert time.time_ns() == EPOCH * 10**9 + 2_500_000_000
        assert time.monotonic() == time.perf_counter() == 2.5
        assert time.monotonic_ns() == time.perf_counter_ns() == 2_500_000_000
        utc = datetime.datetime(2026, 1, 1, 0, 0, 2, 500_000, tzinfo=datetime.UTC)
        assert datetime.datetime.now(datetime.UTC) == utc
        assert datetime.datetime.now().timestamp() == EPOCH + 2.5
        assert datetime.date.today() == datetime.date.fromtimestamp(EPOCH)

    run(main)


def test_a_subclass_of_datetime_tells_virtual_time_as_itself() -> None:
    class Stamp(datetime.datetime):
        pass

    async def main() -> Stamp:
        await asyncio.sleep(1)
        return Stamp.now(datetime.UTC)

    assert type(run(main)) is Stamp
    assert run(main).timestamp() == EPOCH + 1


def test_everything_is_as_it_was_when_the_clock_is_gone() -> None:
    lock = type(threading.Lock())
    names = "time time_ns monotonic perf_counter sleep"
    before = [getattr(time, name) for name in names.split()]
    methods = [vars(lock)["acquire"], vars(datetime.datetime)["now"], asyncio.new_event_loop]
    run(lambda: asyncio.sleep(1))
    assert [getattr(time, name) for name in names.split()] == before
    assert [vars(lock)["acquire"], vars(datetime.datetime)["now"], asyncio.new_event_loop] == (
        methods
    )
    assert current_clock() is None


def test_shared_block_is_entered_once_and_tried_again_if_it_fails() -> None:
    seen: list[str] = []

    @shared
    @contextmanager
    def block() -> Iterator[None]:
        seen.append("entered")
        if len(seen) == 1:
            raise OSError
        yield
        seen.append("left")

    with pytest.raises(OSError):  # noqa: PT011
        block().__enter__()
    with block(), block():
        pass
    assert seen == ["entered", "entered", "left"]


def test_time_is_real_in_a_thread_that_is_no_part_of_the_play() -> None:
    with clocks_installed():
        told: list[float] = []
        clock = Clock()
        with use_clock(clock):
            clock.advance_to(to_ticks(5))
            assert time.monotonic() == 5.0
        outsider = threading.Thread(target=lambda: told.append(time.monotonic()))
        outsider.start()
        with use_clock(clock):
            outsider.join()
        assert told[0] != 5.0
        assert time.time() != EPOCH + 5


def test_two_threads_can_live_by_two_clocks_at_once() -> None:
    meet = threading.Barrier(2)
    told: dict[float, float] = {}

    def live(seconds: float) -> None:
        async def main() -> None:
            await asyncio.sleep(seconds)
            told[seconds] = time.monotonic()

        with clocks_installed():
            meet.wait()
            run(main)
            meet.wait()

    threads = [threading.Thread(target=live, args=(seconds,)) for seconds in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {1.0: 1.0, 2.0: 2.0}


# A blocked loop


def test_sleep_on_the_loop_freezes_it_and_takes_time() -> None:
    async def main() -> list[tuple[str, float]]:
        seen: list[tuple[str, float]] = []

        async def tick() -> None:
            await asyncio.sleep(1)
            seen.append(("tick", now()))

        task = asyncio.create_task(tick())
        await asyncio.sleep(0)
        time.sleep(3)
        seen.append(("slept", now()))
        await task
        return seen

    assert run(main) == [("slept", 3.0), ("tick", 3.0)]


def test_sleep_refuses_what_the_real_one_refuses() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="non-negative"):
            time.sleep(-1)
        with pytest.raises(TypeError):
            time.sleep("1")  # type: ignore[arg-type]

    run(main)
