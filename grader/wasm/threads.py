"""Threads, their locks and their numbers, on stacks: what `threading` is made of."""

from __future__ import annotations

import _thread
import _threading_local
import ctypes
import gc
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from . import stacks
from .given import cpu_seconds
from .queues import SimpleQueue
from .stacks import Stack

_Lock: Any = type(_thread.allocate_lock())
_take: Callable[[Any, bool], bool] = _Lock.acquire
_release: Callable[[Any], None] = _Lock.release
_lines: dict[int, deque[Stack]] = {}
"""The stacks that wait for a lock, by its `id`."""


def acquire(lock: Any, blocking: bool = True, timeout: float = -1) -> bool:
    """What `Lock.acquire` does, on stacks: who waits stands in line, and the others go on."""
    if _take(lock, False):
        return True
    if not blocking:
        return False
    if timeout >= 0:
        return stacks.wait_until(lambda: _take(lock, False), timeout)
    while not _take(lock, False):
        line = _lines.setdefault(id(lock), deque())
        line.append(stacks.current())
        try:
            stacks.pause()
        except RuntimeError:
            line.remove(stacks.current())
            raise
    return True


def release(lock: Any) -> None:
    """What `Lock.release` does; the first in the line of those who wait goes on."""
    _release(lock)
    line = _lines.get(id(lock))
    if line:
        stacks.make_ready(line.popleft())
    if not line:
        _lines.pop(id(lock), None)


def _enter(lock: Any) -> bool:
    return acquire(lock)


def _exit(lock: Any, *_: object) -> None:
    release(lock)


class Handle:
    """Stands for the handle of a system's thread."""

    def __init__(self) -> None:
        self._is_done = False
        self.ident: int | None = None

    def is_done(self) -> bool:
        return self._is_done

    def _set_done(self) -> None:
        self._is_done = True

    def join(self, timeout: float | None = None) -> None:
        stacks.wait_until(self.is_done, timeout)


def _start(function: Callable[[], object], handle: Handle, daemon: bool = True) -> Handle:
    def body() -> None:
        handle.ident = stacks.get_ident()
        try:
            function()
        except SystemExit:
            pass
        finally:
            handle._set_done()

    handle.ident = stacks.start(body).ident
    return handle


def _start_new(function: Callable[..., object], args: Any, kwargs: Any = None) -> int | None:
    return _start(lambda: function(*args, **(kwargs or {})), Handle()).ident


def install() -> None:
    """Let `threading`, and all that is built on it, make stacks."""
    _set_in_lock(acquire=acquire, release=release, __enter__=_enter, __exit__=_exit)
    for module in (_thread, threading):
        setattr(module, "get_ident", stacks.get_ident)  # noqa: B010
        setattr(module, "get_native_id", stacks.get_ident)  # noqa: B010
    given: dict[str, object] = {
        "_get_main_thread_ident": lambda: stacks.main.ident,
        "_start_joinable_thread": _start,
        "_ThreadHandle": Handle,
        "_CRLock": None,
        "RLock": threading._PyRLock,  # type: ignore[attr-defined]
        "local": _threading_local.local,
        "stack_size": lambda size=0: 0,
    }
    for name, value in given.items():
        setattr(threading, name, value)
    setattr(_thread, "start_new_thread", _start_new)  # noqa: B010
    setattr(_thread, "start_joinable_thread", _start)  # noqa: B010
    setattr(_thread, "RLock", threading.RLock)  # noqa: B010
    setattr(queue, "SimpleQueue", SimpleQueue)  # noqa: B010
    if not hasattr(time, "thread_time"):
        time.thread_time = cpu_seconds
        time.thread_time_ns = lambda: int(cpu_seconds() * 1e9)
    setattr(threading.Thread, "native_id", property(lambda thread: thread.ident))  # noqa: B010


def _set_in_lock(**methods: Callable[..., object]) -> None:
    """A type written in C lets nobody set its attributes; its dictionary does."""
    real = next(one for one in gc.get_referents(_Lock.__dict__) if isinstance(one, dict))
    real.update(methods)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(_Lock))
