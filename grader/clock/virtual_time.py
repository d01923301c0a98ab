"""The time of a play, for the threads that use its clock; others get the real time.

Everything in Python that reads the time comes down to functions written in C: those of `time`, and
`now`, `utcnow` and `today` of `datetime`. They are redirected themselves, so it makes no
difference when, where and under which name they are bound. What asks the operating
system without Python stays real: CPU time, the times of files, a server's own `now()`, and
code in C or Rust that does not call these functions.
"""

from __future__ import annotations

import datetime
import operator
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model.trace import TICKS_PER_SECOND, to_seconds
from . import current
from .clock import Clock
from .current import current_actor, current_clock
from .freezing import frozen_time_goes_on
from .patching import replaced
from .real_time import real
from .redirecting import ClassMethodRedirection, Redirection, redirected
from .spinning import STEP

NANOSECONDS_PER_TICK = 1_000_000_000 // TICKS_PER_SECOND

_SYSTEM_CLOCKS: dict[int, Callable[[Clock], int]] = {
    **dict.fromkeys(
        [getattr(time, name) for name in ("CLOCK_REALTIME", "CLOCK_TAI") if hasattr(time, name)],
        lambda clock: clock.date,
    ),
    **dict.fromkeys(
        [
            getattr(time, f"CLOCK_{name}")
            for name in ("MONOTONIC", "MONOTONIC_RAW", "BOOTTIME", "UPTIME", "UPTIME_RAW")
            if hasattr(time, f"CLOCK_{name}")
        ],
        lambda clock: clock.now,
    ),
}
"""The clocks of the operating system that go with the play; those of CPU time stay real."""


def _sleep(seconds: float) -> None:
    clock = current_clock()
    if clock is None:
        real["sleep"](seconds)
        return
    _check_length(seconds)
    start = clock.now
    _let_pass(clock, seconds)
    current.report_block(clock, "time.sleep", start, clock.is_home())


def _let_pass(clock: Clock, seconds: float) -> None:
    if clock.is_home():
        clock.block(seconds)
    else:
        clock.park(current_actor(clock), clock.after(seconds))


def _check_length(seconds: float) -> None:
    """Refuse what the real `time.sleep` refuses."""
    if not isinstance(seconds, float):
        operator.index(seconds)
    elif seconds != seconds:
        raise ValueError("Invalid value NaN (not a number)")
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")


def _time_function(name: str, virtual: Callable[[Clock], Any]) -> Callable[[], Any]:
    """A function without arguments that returns the time."""
    real_function = real[name]

    def read() -> Any:
        clock = current_clock()
        if clock is None:
            return real_function()
        _note_look(clock)
        return virtual(clock)

    return read


def _note_look(clock: Clock) -> None:
    clock.read_at = clock.now
    if clock.spinning.look(clock.moment_of_thread):
        _let_pass(clock, to_seconds(STEP))
        if clock.is_home() and not clock.spinning.goes_on:
            current.report_block(clock, "looking at the time", clock.now, on_loop=True)
        clock.spinning.go_on(clock.moment_of_thread())


def _system_clock(name: str, unit: Callable[[int], float]) -> Callable[..., Any]:
    def read(*args: Any) -> Any:
        clock = current_clock()
        virtual = _SYSTEM_CLOCKS.get(*args) if clock is not None and len(args) == 1 else None
        return real[name](*args) if clock is None or virtual is None else unit(virtual(clock))

    return read


def _with_time_of_play(name: str, position: int, now: Callable[[int], Any]) -> Callable[..., Any]:
    """A function that works on the present unless its argument at `position` says otherwise."""

    def work(*args: Any) -> Any:
        clock = current_clock()
        if clock is not None and args[position:] in ((), (None,)) and len(args) >= position:
            args = (*args[:position], now(clock.date // TICKS_PER_SECOND))
        return real[name](*args)

    return work


def _seconds_since_1970(seconds: int) -> int:
    return seconds


def _nanoseconds(ticks: int) -> int:
    return ticks * NANOSECONDS_PER_TICK


def _reader() -> str:
    """The file of the Python code that looks at the time; empty if there is no such code."""
    # Frames in between: this function, two more of this module, and the redirection's.
    caller = sys._getframe(3).f_back
    return caller.f_code.co_filename if caller is not None else ""


def _time(clock: Clock) -> float:
    return clock.wall.at(clock.now, _reader())


def _monotonic(clock: Clock) -> float:
    return clock.steady.at(clock.now, _reader())


def _monotonic_ns(clock: Clock) -> int:
    return _nanoseconds(clock.now)


_functions: dict[str, Callable[..., Any]] = {
    "sleep": _sleep,
    "time": _time_function("time", _time),
    "time_ns": _time_function("time_ns", lambda clock: _nanoseconds(clock.date)),
    **{name: _time_function(name, _monotonic) for name in ("monotonic", "perf_counter")},
    **{name: _time_function(name, _monotonic_ns) for name in ("monotonic_ns", "perf_counter_ns")},
    "clock_gettime": _system_clock("clock_gettime", to_seconds),
    "clock_gettime_ns": _system_clock("clock_gettime_ns", _nanoseconds),
    **{
        name: _with_time_of_play(name, 0, _seconds_since_1970)
        for name in ("localtime", "gmtime", "ctime")
    },
    "asctime": _with_time_of_play("asctime", 0, real["localtime"]),
    "strftime": _with_time_of_play("strftime", 1, real["localtime"]),
}


def _now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    clock = current_clock()
    if clock is None:
        result: datetime.datetime = _methods["now"].real.__get__(None, cls)(tz)
        return result
    _note_look(clock)
    return cls.fromtimestamp(to_seconds(clock.date), tz)


def _utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
    clock = current_clock()
    if clock is None:
        result: datetime.datetime = _methods["utcnow"].real.__get__(None, cls)()
        return result
    _note_look(clock)
    return cls.fromtimestamp(to_seconds(clock.date), datetime.UTC).replace(tzinfo=None)


def _today(cls: type[datetime.date]) -> datetime.date:
    clock = current_clock()
    if clock is None:
        result: datetime.date = _methods["today"].real.__get__(None, cls)()
        return result
    return cls.fromtimestamp(to_seconds(clock.date))


_CLASSES = {"datetime": datetime.datetime, "date": datetime.date}
"""Python's own, also while freezegun has put others under these names."""

_redirections = {
    name: Redirection(getattr(time, name), function)
    for name, function in _functions.items()
    if name in real
}
_methods = {
    "now": ClassMethodRedirection(_CLASSES["datetime"], "now", _now),
    "utcnow": ClassMethodRedirection(_CLASSES["datetime"], "utcnow", _utcnow),
    "today": ClassMethodRedirection(_CLASSES["date"], "today", _today),
}


@contextmanager
def virtual_time() -> Iterator[None]:
    """Let all functions of time, and `time.sleep`, use the clock of the calling thread."""
    with (
        redirected(_redirections | _methods),
        replaced(_CLASSES["datetime"], now=classmethod(_now), utcnow=classmethod(_utcnow)),
        replaced(_CLASSES["date"], today=classmethod(_today)),
        frozen_time_goes_on(),
    ):
        yield
