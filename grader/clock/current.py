"""Which clock each thread uses: that of its play, or none, which is real time."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .clock import ORIGIN_DEPTH, Actor, Clock

clocks: dict[int, tuple[Clock, Actor | None]] = {}
"""The clock of each thread that has one, and the actor that it is."""

if hasattr(os, "register_at_fork"):
    # A forked process has no loop that would give its threads a turn: it lives in real time.
    os.register_at_fork(after_in_child=clocks.clear)


def current_clock() -> Clock | None:
    """The clock that the calling thread uses, or None for real time."""
    entry = clocks.get(threading.get_ident())
    return entry[0] if entry else None


def current() -> tuple[Clock | None, Actor | None]:
    """The clock of the calling thread, and the actor that it is (None on the loop's own)."""
    return clocks.get(threading.get_ident(), (None, None))


@contextmanager
def use_clock(clock: Clock, actor: Actor | None = None) -> Iterator[None]:
    """Let the calling thread use `clock` (as `actor`, unless it is the loop's own)."""
    ident = threading.get_ident()
    before, depth = clocks.get(ident), sys.get_coroutine_origin_tracking_depth()
    clocks[ident] = clock, actor
    # Python keeps this setting for each thread by itself.
    sys.set_coroutine_origin_tracking_depth(clock.origin_depth if clock else ORIGIN_DEPTH)
    try:
        yield
    finally:
        sys.set_coroutine_origin_tracking_depth(depth)
        if before is None:
            clocks.pop(ident, None)
        else:
            clocks[ident] = before


@contextmanager
def outside_of_loop() -> Iterator[None]:
    """As where no loop runs: for what a process does at its beginning, and for what the kit itself
    reads of files, which isn't the blocking that anyone looks for."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(running)


def current_actor(clock: Clock) -> Actor:
    """The actor of the calling thread; a thread that the clock has not met gets one."""
    actor = current()[1]
    if actor is None:
        actor = Actor()
        actor.native_id = threading.get_native_id()
        clocks[threading.get_ident()] = clock, actor
    return actor


BlockWatcher = Callable[[str, int, bool], None]
_watchers: dict[int, BlockWatcher] = {}


def watch_blocks(clock: Clock, watcher: BlockWatcher) -> None:
    """Call `watcher(what, since, on_loop)` after each call that blocked since a tick."""
    _watchers[id(clock)] = watcher


def unwatch_blocks(clock: Clock) -> None:
    """Call no watcher any more."""
    _watchers.pop(id(clock), None)


def report_block(clock: Clock, what: str, since: int, on_loop: bool) -> None:
    """Call the watcher of `clock`, if it has one."""
    if watcher := _watchers.get(id(clock)):
        watcher(what, since, on_loop)
