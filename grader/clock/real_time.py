"""Real time, for the kit itself: these are never redirected, whenever they are imported."""

from __future__ import annotations

import time
from _thread import RLock
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from .redirecting import check_layout, unredirected

__all__ = ["RealLock", "monotonic", "real", "real_get", "real_put", "sleep", "thread_time"]

check_layout()

real = {
    name: unredirected(getattr(time, name))
    for name in (
        "asctime",
        "clock_gettime",
        "clock_gettime_ns",
        "ctime",
        "gmtime",
        "localtime",
        "monotonic",
        "monotonic_ns",
        "perf_counter",
        "perf_counter_ns",
        "sleep",
        "strftime",
        "time",
        "time_ns",
    )
    if hasattr(time, name)
}
"""The functions of `time` that a play redirects, as they are without it."""

monotonic: Callable[[], float] = real["monotonic"]
sleep = real["sleep"]
thread_time = time.thread_time  # no play redirects it

RealLock = RLock
"""A lock that a play leaves alone: it replaces the methods of `threading.Lock`, of which
`threading.RLock` is made meanwhile. A thread that had to wait for the kit's own lock would
otherwise wait for it on the clock, which that lock guards."""

real_get: Callable[..., Any] = SimpleQueue.get
real_put: Callable[..., Any] = SimpleQueue.put
"""What a play replaces by functions that wait on its clock."""
