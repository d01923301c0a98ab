"""The part within pytest: which loop a test gets, and how it ended.

In the environment `SUITE_LOOP` is `stock` or `virtual`. In the file `SUITE_RECORD` a test
has a line when it begins, and one with its outcome.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from selectors import DefaultSelector
from typing import Any

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
from grader.clock.loop import ClockSelector
from grader.clock.patching import replaced
from grader.model.trace import TICKS_PER_SECOND
from grader.processes.threads import is_asleep

IS_VIRTUAL = os.environ["SUITE_LOOP"] == "virtual"
RECORD = Path(os.environ["SUITE_RECORD"])
TIME_LIMIT = 100_000 * TICKS_PER_SECOND

OTHER_LOOPS = ("trio", "asyncio+uvloop")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what runs on other loops, and what has an outcome."""
    known = {line.partition(" ")[2] for line in RECORD.read_text("utf-8").splitlines()}
    items[:] = [
        item
        for item in items
        if item.nodeid not in known
        and not any(part in OTHER_LOOPS for part in _parameters(item.nodeid))
    ]


def _parameters(test: str) -> list[str]:
    return test.partition("[")[2].rstrip("]").split("-")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    _note("began", item.nodeid)
    with _virtual_loops() if IS_VIRTUAL else nullcontext():
        result = yield
    _note(_outcomes.pop(item.nodeid, "failed"), item.nodeid)
    return result


_outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep the worst: one phase, or one subtest, that has failed is enough."""
    known = _outcomes.get(report.nodeid)
    if known != "failed" and (report.failed or report.when == "call" or known is None):
        _outcomes[report.nodeid] = report.outcome


def _note(outcome: str, test: str) -> None:
    with RECORD.open("a", encoding="utf-8") as file:
        file.write(f"{outcome} {test}\n")


@contextmanager
def _virtual_loops() -> Iterator[None]:
    """While this lasts, whatever makes a loop gets a virtual one."""
    with (
        clocks_installed(),
        replaced(asyncio, SelectorEventLoop=SuiteLoop),
        replaced(asyncio.unix_events, _UnixSelectorEventLoop=SuiteLoop),
        replaced(asyncio.DefaultEventLoopPolicy, _loop_factory=SuiteLoop),
    ):
        yield


class SuiteSelector(ClockSelector):
    """Of a loop that a test's own threads, which belong to no play, may still call."""

    def select(self, timeout: float | None = None) -> Any:
        """Let no time pass while the test itself is at work beside a loop in another thread."""
        main = threading.main_thread()
        while timeout != 0 and threading.current_thread() is not main:
            if (events := DefaultSelector.select(self, 0.001)) or is_asleep(main.native_id or 0):
                return events or super().select(timeout)
        return super().select(timeout)

    def _over(self, why: Stuck | RanAway) -> Any:
        return super()._over(why) if isinstance(why, RanAway) else DefaultSelector.select(self, 1)


class SuiteLoop(VirtualLoop):
    """A loop with a clock of its own, which tests ask for as for asyncio's own.

    Args:
        selector: not used: a virtual loop has its own.
    """

    def __init__(self, selector: Any = None) -> None:
        super().__init__(current_clock() or Clock(TIME_LIMIT))
        self._selector.__class__ = SuiteSelector

    def run_forever(self) -> None:
        """Run. Whatever thread does so is the one of the play meanwhile."""
        if current_clock() is self.clock:
            super().run_forever()
            return
        self.clock.home = threading.get_ident()
        with use_clock(self.clock):
            super().run_forever()

    def close(self) -> None:
        super().close()
        self.clock.finish()
