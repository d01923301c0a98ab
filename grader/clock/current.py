"""What time it is, for each thread: virtual for the threads of a play, real for others.

`time.time`, `time.monotonic`, `time.perf_counter`, `time.sleep` and `datetime.now` are
replaced by functions that look up the calling thread. A thread that belongs to no play
gets the real answer, so a notebook's own loop goes on undisturbed.
"""

from __future__ import annotations

import datetime
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..model.trace import TICKS_PER_SECOND, to_ticks
from .clock import Actor, Clock
from .patching import replaced
from .real_time import sleep as real_sleep

EPOCH = 1_767_225_600
"""The `time.time()` at which every play begins: 2026-01-01 00:00 UTC."""

ORIGIN_DEPTH = 12
"""Frames that a coroutine remembers of where it was made, to tell the line if it is lost.
Python keeps this setting for each thread by itself."""

NANOSECONDS_PER_TICK = 1_000_000_000 // TICKS_PER_SECOND


_current: dict[int, tuple[Clock, Actor | None]] = {}


def current_clock() -> Clock | None:
    """The clock that the calling thread uses, or None for real time."""
    entry = _current.get(threading.get_ident())
    return entry[0] if entry else None


def current() -> tuple[Clock | None, Actor | None]:
    """The clock of the calling thread, and the actor that it is (None on the loop's own)."""
    return _current.get(threading.get_ident(), (None, None))


@contextmanager
def use_clock(clock: Clock, actor: Actor | None = None) -> Iterator[None]:
    """Let the calling thread use `clock` (as `actor`, unless it is the loop's own)."""
    ident = threading.get_ident()
    before, depth = _current.get(ident), sys.get_coroutine_origin_tracking_depth()
    _current[ident] = clock, actor
    sys.set_coroutine_origin_tracking_depth(ORIGIN_DEPTH)
    try:
        yield
    finally:
        sys.set_coroutine_origin_tracking_depth(depth)
        if before is None:
            _current.pop(ident, None)
        else:
            _current[ident] = before


def current_actor(clock: Clock) -> Actor:
    """The actor of the calling thread; a thread that the clock has not met gets one."""
    entry = _current.get(threading.get_ident())
    actor = entry[1] if entry else None
    if actor is None:
        actor = Actor()
        actor.native_id = threading.get_native_id()
        _current[threading.get_ident()] = clock, actor
    return actor


BlockWatcher = Callable[[str, int, bool], None]
_watchers: dict[int, BlockWatcher] = {}


def watch_blocks(clock: Clock, watcher: BlockWatcher) -> None:
    """Call `watcher(what, since, on_loop)` after each call that blocked since a tick."""
    _watchers[id(clock)] = watcher


def unwatch_blocks(clock: Clock) -> None:
    _watchers.pop(id(clock), None)


def report_block(clock: Clock, what: str, since: int, on_loop: bool) -> None:
    """Tell the watcher of `clock`, if it has one."""
    if watcher := _watchers.get(id(clock)):
        watcher(what, since, on_loop)


def _sleep(seconds: float) -> None:
    clock = current_clock()
    if clock is None:
        real_sleep(seconds)
        return
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    start, on_loop = clock.now, clock.is_home()
    if on_loop:
        clock.block(seconds)
    else:
        clock.park(current_actor(clock), clock.now + to_ticks(seconds))
    report_block(clock, "time.sleep", start, on_loop)


def _reader(real: Callable[[], Any], virtual: Callable[[int], Any]) -> Callable[[], Any]:
    def read() -> Any:
        clock = current_clock()
        return real() if clock is None else virtual(clock.now)

    return read


def _seconds(tick: int) -> float:
    return tick / TICKS_PER_SECOND


def _nanoseconds(tick: int) -> int:
    return tick * NANOSECONDS_PER_TICK


_replacements: dict[str, Callable[..., Any]] = {
    "sleep": _sleep,
    "time": _reader(time.time, lambda tick: EPOCH + _seconds(tick)),
    "time_ns": _reader(time.time_ns, lambda tick: EPOCH * 10**9 + _nanoseconds(tick)),
    **{name: _reader(getattr(time, name), _seconds) for name in ("monotonic", "perf_counter")},
    **{
        name: _reader(getattr(time, name), _nanoseconds)
        for name in ("monotonic_ns", "perf_counter_ns")
    },
}

_real_now = datetime.datetime.__dict__["now"]
_real_utcnow = datetime.datetime.__dict__["utcnow"]
_real_today = datetime.date.__dict__["today"]


def _now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    clock = current_clock()
    if clock is None:
        result: datetime.datetime = _real_now.__get__(None, cls)(tz)
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds, tz)


def _utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
    clock = current_clock()
    if clock is None:
        result: datetime.datetime = _real_utcnow.__get__(None, cls)()
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds, datetime.UTC).replace(tzinfo=None)


def _today(cls: type[datetime.date]) -> datetime.date:
    clock = current_clock()
    if clock is None:
        result: datetime.date = _real_today.__get__(None, cls)()
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds)


@contextmanager
def virtual_time() -> Iterator[None]:
    """Replace the time functions."""
    with (
        replaced(time, **_replacements),
        # These two took `monotonic` before anybody could replace it.
        replaced(threading, _time=_replacements["monotonic"]),
        replaced(queue, time=_replacements["monotonic"]),
        replaced(datetime.datetime, now=classmethod(_now), utcnow=classmethod(_utcnow)),
        replaced(datetime.date, today=classmethod(_today)),
    ):
        yield
