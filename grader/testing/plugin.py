"""The pytest plugin: the fixture `play`, the marker `virtual_time`, and pictures of failures.

It imports nothing of the kit before a test asks for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..model.trace import Trace

MOST_PICTURES = 3
"""Plays of a failing test that are shown: its last ones."""

_PLAYED = pytest.StashKey[list["Trace"]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "play(**settings): what `play` in this test is called with, such as order_seed=1",
    )
    config.addinivalue_line(
        "markers",
        "virtual_time(now=None): run the test, with its fixtures, on a virtual clock",
    )


@pytest.fixture(name="play")
def play_fixture(request: pytest.FixtureRequest) -> Callable[..., Trace]:
    """`grader.play`, with the settings of the marker `play`; a test that fails shows its plays."""
    from .play import play

    traces = request.node.stash.setdefault(_PLAYED, [])
    marker = request.node.get_closest_marker("play")
    settings = dict(marker.kwargs) if marker else {}

    def play_and_keep(app: Any, *requests: Any, **options: Any) -> Trace:
        trace = play(app, *requests, **{**settings, **options})
        traces.append(trace)
        return trace

    return play_and_keep


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """A marked test lives by a virtual clock from the setup of its fixtures to their end."""
    marker = item.get_closest_marker("virtual_time")
    if marker is None:
        return (yield)
    from ..clock import clocks_installed, use_clock
    from .virtual import new_clock

    clock = new_clock(**marker.kwargs)
    with clocks_installed(), use_clock(clock):
        try:
            return (yield)
        finally:
            clock.finish()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a marked coroutine test that no other plugin runs."""
    is_marked = pyfuncitem.get_closest_marker("virtual_time") is not None
    others = ("asyncio", "anyio", "trio")
    if not is_marked or any(pyfuncitem.get_closest_marker(name) for name in others):
        return None
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    import asyncio

    wanted = pyfuncitem._fixtureinfo.argnames
    test = pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted})
    with asyncio.Runner() as runner:  # which makes a loop on the clock of this thread
        runner.run(test)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    traces = item.stash.get(_PLAYED, [])
    if traces and report.failed and report.when == "call":
        from ..render.timeline import timeline
        from .troubles import troubles

        for trace in traces[-MOST_PICTURES:]:
            shown = (str(timeline(trace)), troubles(trace))
            report.sections.append(("play", "\n".join(part for part in shown if part)))
    return report
