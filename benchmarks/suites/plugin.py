"""The part within pytest: which loop a test gets, and how it ended.

In the environment `SUITE_CLOCK` is empty for asyncio's own loop, `test` for one clock for
all of a test's loops and threads, or `loop` for a clock of each loop's own. In the file
`SUITE_RECORD` a test has a line when it begins, and one with its outcome.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from grader.clock import Clock, VirtualLoop, clocks_installed, current_clock, use_clock
from grader.clock.patching import replaced
from grader.model.trace import TICKS_PER_SECOND

CLOCK = os.environ["SUITE_CLOCK"]
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
    with _on_clock() if CLOCK else nullcontext():
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
def _on_clock() -> Iterator[None]:
    """A test whose every new loop is a virtual one."""
    clock = Clock(TIME_LIMIT)
    with (
        clocks_installed(),
        use_clock(clock) if CLOCK == "test" else nullcontext(),
        replaced(asyncio, SelectorEventLoop=SuiteLoop, new_event_loop=SuiteLoop),
        replaced(asyncio.events, new_event_loop=SuiteLoop),
        replaced(asyncio.unix_events, _UnixSelectorEventLoop=SuiteLoop),
    ):
        try:
            yield
        finally:
            clock.finish()


class SuiteLoop(VirtualLoop):
    """The loop of a test, which asks for it as for asyncio's own.

    Args:
        selector: not used: a virtual loop has its own.
    """

    def __init__(self, selector: Any = None) -> None:
        super().__init__(current_clock() or Clock(TIME_LIMIT))

    def run_forever(self) -> None:
        if current_clock() is self.clock:
            super().run_forever()
        else:  # whoever runs it lives by it meanwhile
            with use_clock(self.clock):
                super().run_forever()
