"""Any code on the virtual clock: a coroutine, a block of a test, a whole test.

run(main())                    # as asyncio.run, and two hours take a millisecond

with virtual_time() as clock:  # for what is not a coroutine itself
    clock.run(main())
    clock.advance(3600)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from ..clock import Clock, RanAway, Stuck, VirtualLoop, clocks_installed, use_clock
from ..clock.current import current_clock
from ..driver.closing import close
from ..model.dates import timestamp
from ..model.errors import UsageError
from ..model.failures import PlayFailed
from ..model.trace import Outcome, OutcomeKind, to_seconds, to_ticks

T = TypeVar("T")

FAR = 10 * 365 * 86_400
"""Seconds that a test may take on its clock."""


def run(main: Coroutine[Any, Any, T], *, now: datetime | float | None = None) -> T:
    """Run a coroutine on a virtual clock, as `asyncio.run` does in real time.

    Args:
        now: the date and time at which the clock begins; None is the real one.

    Raises:
        PlayFailed: it waits for what can never come.
        UsageError: a loop is running in this thread.
    """
    _check_no_loop_runs(main)
    with virtual_time(now=now) as clock:
        return clock.run(main)


class VirtualTime:
    """A virtual clock, and a loop that lives by it.

    Attributes:
        seconds: since the clock began.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loop = VirtualLoop(clock)

    @property
    def seconds(self) -> float:
        return self._clock.seconds

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end; tasks that it leaves go on at the next run.

        Raises:
            PlayFailed: it waits for what can never come.
            UsageError: a loop is running in this thread.
        """
        _check_no_loop_runs(main)
        try:
            return self._loop.run_until_complete(main)
        except (Stuck, RanAway) as error:
            kind: OutcomeKind = "stuck" if isinstance(error, Stuck) else "ran-away"
            raise PlayFailed(Outcome(kind)) from None

    def advance(self, seconds: float) -> None:
        """Let time pass, with all that is due in it.

        Raises:
            UsageError: the seconds are less than none.
        """
        if not seconds >= 0:
            raise UsageError(f"time cannot pass by {seconds!r} seconds", "give 0 or more")
        self.run(asyncio.sleep(seconds))

    def advance_to(self, seconds: float) -> None:
        """Let time pass until so many seconds after the clock began.

        Raises:
            UsageError: that moment is over.
        """
        left = to_ticks(seconds) - self._clock.now
        if left < 0:
            raise UsageError(f"it is {self.seconds} s, and the clock cannot go back", "go forward")
        self.run(asyncio.sleep(to_seconds(left)))

    def close(self) -> None:
        """Cancel what is left, as `asyncio.run` does in the end."""
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        if left:
            self._loop.run_until_complete(asyncio.wait(left))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())


@contextmanager
def virtual_time(*, now: datetime | float | None = None) -> Iterator[VirtualTime]:
    """Let the code in this block live by a virtual clock: `time`, sleeps, threads and new loops.

    Args:
        now: the date and time at which the clock begins; None is the real one.

    Raises:
        UsageError: this thread has a virtual clock already.
    """
    if current_clock() is not None:
        raise UsageError("this code has a virtual clock already", "use the one that is there")
    clock = new_clock(now)
    with clocks_installed(), use_clock(clock):
        virtual = VirtualTime(clock)
        try:
            yield virtual
            virtual.close()
        finally:
            clock.finish()
            close(virtual._loop)


def new_clock(now: datetime | float | None = None) -> Clock:
    """A clock for a whole test, which begins at a date and time; None is the real one."""
    return Clock(to_ticks(FAR), time.time() if now is None else timestamp(now))


def _check_no_loop_runs(main: Coroutine[Any, Any, Any]) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    main.close()
    raise UsageError("a loop is running in this thread", "await it, instead of running it")
