"""What time it is, for each thread: virtual for the threads of a play, real for others.

`time.time`, `time.monotonic`, `time.perf_counter`, `time.sleep` and `datetime.now` are
replaced by functions that look up the calling thread. A thread that belongs to no play
gets the real answer, so a notebook's own loop goes on undisturbed.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..trace import TICKS_PER_SECOND, to_ticks
from .clock import Actor, Clock

EPOCH = 1_767_225_600
"""The `time.time()` at which every play begins: 2026-01-01 00:00 UTC."""

NANOSECONDS_PER_TICK = 1_000_000_000 // TICKS_PER_SECOND

real_sleep = time.sleep
real_monotonic = time.monotonic
real_thread_time = time.thread_time

_present: dict[int, tuple[Clock, Actor | None]] = {}


def now_of() -> Clock | None:
    """The clock that the calling thread lives by, or None for real time."""
    entry = _present.get(threading.get_ident())
    return entry[0] if entry else None


@contextmanager
def live_by(clock: Clock, actor: Actor | None = None) -> Iterator[None]:
    """Let the calling thread live by `clock` (as `actor`, unless it is the loop's own)."""
    ident = threading.get_ident()
    before = _present.get(ident)
    _present[ident] = clock, actor
    try:
        yield
    finally:
        if before is None:
            _present.pop(ident, None)
        else:
            _present[ident] = before


def actor_of_this_thread(clock: Clock) -> Actor:
    """The actor of the calling thread; a thread that the clock has not met gets one."""
    entry = _present.get(threading.get_ident())
    actor = entry[1] if entry else None
    if actor is None:
        actor = Actor()
        actor.native_id = threading.get_native_id()
        _present[threading.get_ident()] = clock, actor
    return actor


SleepWatcher = Callable[[Clock, int, int, bool], None]
_on_sleep: dict[int, SleepWatcher] = {}


def watch_sleeps(clock: Clock, watcher: SleepWatcher) -> None:
    """Call `watcher(clock, start, end, on_loop)` after each `time.sleep` (in ticks)."""
    _on_sleep[id(clock)] = watcher


def unwatch_sleeps(clock: Clock) -> None:
    _on_sleep.pop(id(clock), None)


def _sleep(seconds: float) -> None:
    clock = now_of()
    if clock is None:
        return real_sleep(seconds)
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    start, on_loop = clock.now, threading.get_ident() == clock.home
    if on_loop:
        clock.block(seconds)
    else:
        clock.park(actor_of_this_thread(clock), clock.now + to_ticks(seconds))
    if watcher := _on_sleep.get(id(clock)):
        watcher(clock, start, clock.now, on_loop)


def _reader(real: Callable[[], Any], virtual: Callable[[int], Any]) -> Callable[[], Any]:
    def read() -> Any:
        clock = now_of()
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
_originals = {name: getattr(time, name) for name in _replacements}

_real_now = datetime.datetime.__dict__["now"]
_real_utcnow = datetime.datetime.__dict__["utcnow"]
_real_today = datetime.date.__dict__["today"]


def _now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> datetime.datetime:
    clock = now_of()
    if clock is None:
        result: datetime.datetime = _real_now.__get__(None, cls)(tz)
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds, tz)


def _utcnow(cls: type[datetime.datetime]) -> datetime.datetime:
    clock = now_of()
    if clock is None:
        result: datetime.datetime = _real_utcnow.__get__(None, cls)()
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds, datetime.UTC).replace(tzinfo=None)


def _today(cls: type[datetime.date]) -> datetime.date:
    clock = now_of()
    if clock is None:
        result: datetime.date = _real_today.__get__(None, cls)()
        return result
    return cls.fromtimestamp(EPOCH + clock.seconds)


_depth = 0
_depth_lock = threading.Lock()


@contextmanager
def virtual_time() -> Iterator[None]:
    """Replace the time functions; nested and concurrent uses share one replacement."""
    global _depth
    with _depth_lock:
        _depth += 1
        if _depth == 1:
            _install()
    try:
        yield
    finally:
        with _depth_lock:
            _depth -= 1
            if _depth == 0:
                _uninstall()


def _install() -> None:
    # The datetime types are built in: only their dictionaries can be changed, and so
    # every reference to the types, wherever it was imported, tells virtual time.
    from forbiddenfruit import curse

    for name, function in _replacements.items():
        setattr(time, name, function)
    curse(datetime.datetime, "now", classmethod(_now))
    curse(datetime.datetime, "utcnow", classmethod(_utcnow))
    curse(datetime.date, "today", classmethod(_today))


def _uninstall() -> None:
    from forbiddenfruit import curse

    for name, function in _originals.items():
        setattr(time, name, function)
    curse(datetime.datetime, "now", _real_now)
    curse(datetime.datetime, "utcnow", _real_utcnow)
    curse(datetime.date, "today", _real_today)
