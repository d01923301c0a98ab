"""What a check will play, found out by running it without any player.

A player that is asked ahead need not wait until the judge has thought about the last play.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ..model.scenarios import Scenario
from ..model.trace import Trace
from .players import NOT_PLAYED, Subject

ERRORS = (Exception, *(ending.Exception for ending in (pytest.skip, pytest.fail, pytest.exit)))


class DryRun(Subject):
    """Stands for a player. It notes what it is asked for; nothing happens in its plays."""

    def __init__(self) -> None:
        self.scenarios: list[Scenario] = []

    def start(self, scenario: Scenario, is_replay: bool = False) -> None:
        self.scenarios.append(scenario)

    def finish(self) -> Trace:
        return NOT_PLAYED


@contextmanager
def dry_runs(config: pytest.Config) -> Iterator[None]:
    """Within this block no check fails: what it raises is reported when it is really run."""
    quiet = _Quiet()
    config.pluginmanager.register(quiet)
    try:
        yield
    finally:
        config.pluginmanager.unregister(quiet)


def run(item: pytest.Item, next_item: pytest.Item | None) -> None:
    """Run a check with its fixtures, as pytest itself would."""
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)


def _without_errors() -> Generator[None, Any, Any]:
    try:
        return (yield)
    except ERRORS:
        return None


class _Quiet:
    """A pytest plugin: every phase of every check passes."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, Any]:
        return (yield from _without_errors())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, Any]:
        return (yield from _without_errors())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, Any]:
        return (yield from _without_errors())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        return pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "call")
