"""`play` in people's own tests: how long a play takes, what a trace holds, what an import costs."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

from fastapi import FastAPI

from grader import explore, get, play, takes

from .processes import run
from .results import Row, spread

REQUESTS, SPANS, ORDERS = 1_000, 10_000, 1_000
PLAY_MS, REQUEST_MS, TRACE_MB, IMPORT_MS, EXPLORE_S = 3, 1.5, 20, 60, 10
WAITS = 100
"""Spans of each request of the large trace."""

_IMPORT = """
import time, fastapi
began = time.perf_counter()
from grader import play
print((time.perf_counter() - began) * 1000)
"""


def measure(short: bool) -> list[Row]:
    """All figures that are promised of `play`."""
    app = waiting(times=1)
    play(app, get("/"))
    one = [_seconds(lambda: play(app, get("/"))) * 1000 for _ in range(50 if short else 300)]
    many = [get("/", at=number / 1000) for number in range(REQUESTS)]
    runs = 2 if short else 5
    each = [_seconds(lambda: play(app, many)) * 1000 / REQUESTS for _ in range(runs)]
    imports = [float(run("-c", _IMPORT)) for _ in range(3 if short else 11)]
    return [
        _at_most("a play of one request", one, PLAY_MS, "ms"),
        _at_most(f"each request of {REQUESTS} in one play", each, REQUEST_MS, "ms"),
        _at_most(f"memory of a trace of {SPANS} spans", [trace_size()], TRACE_MB, "MB"),
        _at_most("`from grader import play`, beyond FastAPI's own", imports, IMPORT_MS, "ms"),
        _at_most(f"`explore` of {ORDERS} orders", [_seconds(explored)], EXPLORE_S, "s"),
    ]


def _at_most(what: str, values: list[float], limit: float, unit: str) -> Row:
    return Row(what, spread(values, f" {unit}"), f"at most {limit} {unit}", median(values) <= limit)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def waiting(times: int) -> FastAPI:
    """An app whose answer waits some times."""
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> str:
        for _ in range(times):
            await asyncio.sleep(0.1)
        return "done"

    return app


def trace_size() -> float:
    """Megabytes that a trace of so many spans keeps."""
    tracemalloc.start()
    try:
        trace = play(waiting(WAITS), [get("/") for _ in range(SPANS // WAITS)])
        assert len(trace.spans) == SPANS
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
        del trace
        gc.collect()
        return (kept - tracemalloc.get_traced_memory()[0]) / 1e6
    finally:
        tracemalloc.stop()


def explored() -> None:
    """Seven requests whose calls end at the same moment: 5,040 orders, of which some are played."""

    def shop(look: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            await look()

        return app

    explore(shop, [get("/") for _ in range(7)], look=takes(0.5), limit=ORDERS)
