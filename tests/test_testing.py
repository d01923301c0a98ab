"""Tools for one's own tests: any code on the clock, sessions, assertions, exports, the plugin."""

from __future__ import annotations

import asyncio
import datetime
import json
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import BackgroundTasks, FastAPI, HTTPException

from grader import (
    PlayFailed,
    assert_never_blocks,
    assert_nothing_left,
    assert_overlaps,
    get,
    play,
    run,
    session,
    takes,
    virtual_time,
)
from grader.model.errors import UsageError
from grader.testing.exports import from_json, json_schema, to_chrome, to_json
from grader.testing.troubles import troubles

# Any code on the clock


async def an_hour() -> float:
    before = time.monotonic()
    await asyncio.gather(asyncio.sleep(3600), asyncio.to_thread(time.sleep, 1800))
    time.sleep(60)
    return time.monotonic() - before


def test_run_gives_what_the_coroutine_returns_in_no_time() -> None:
    assert run(an_hour()) == 3660.0


def test_nothing_of_the_clock_is_left_after_a_run() -> None:
    names = ("sleep", "monotonic", "time")
    before = [getattr(time, name) for name in names], threading.Thread.start
    run(an_hour())
    assert ([getattr(time, name) for name in names], threading.Thread.start) == before
    assert time.monotonic() < 10**9


def test_run_of_what_can_never_end_says_so() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(PlayFailed, match="nothing can ever wake the program"):
        run(wait())


def test_run_hands_on_what_is_raised() -> None:
    async def fail() -> None:
        await asyncio.sleep(5)
        raise LookupError("here")

    with pytest.raises(LookupError, match="here"):
        run(fail())


def test_run_within_a_loop_is_refused() -> None:
    async def within() -> None:
        run(an_hour())

    with pytest.raises(UsageError, match="a loop is running"):
        run(within())


def test_clock_begins_at_the_real_date_or_at_a_given_one() -> None:
    async def date() -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC)

    given = datetime.datetime(2031, 5, 1, tzinfo=datetime.UTC)
    real = datetime.datetime.now(datetime.UTC)
    assert run(date(), now=given) == given
    assert real <= run(date()) <= datetime.datetime.now(datetime.UTC)


def test_time_can_be_advanced_by_hand() -> None:
    ticks: list[float] = []

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(10)
            ticks.append(loop.time())

    async def begin() -> asyncio.Task[None]:
        return asyncio.create_task(tick())

    with virtual_time() as clock:
        task = clock.run(begin())
        clock.advance(25)
        assert ticks == [10.0, 20.0]
        clock.advance_to(30)
        assert ticks == [10.0, 20.0, 30.0]
        assert clock.seconds == 30.0
        assert not task.done()
        with pytest.raises(UsageError, match="cannot go back"):
            clock.advance_to(3)
        with pytest.raises(UsageError, match="time cannot pass by -1"):
            clock.advance(-1)
    assert task.cancelled()


# A session


def counter() -> FastAPI:
    app = FastAPI()
    app.state.done = []

    @app.post("/count")
    async def count(tasks: BackgroundTasks) -> int:
        await asyncio.sleep(1)
        app.state.count = getattr(app.state, "count", 0) + 1
        tasks.add_task(later)
        return int(app.state.count)

    async def later() -> None:
        await asyncio.sleep(5)
        app.state.done.append(app.state.count)

    @app.get("/missing")
    async def missing() -> None:
        raise HTTPException(404)

    return app


def test_session_asks_and_goes_on_within_one_lifespan() -> None:
    app = counter()

    async def look() -> Any:
        async with session(app) as client:
            first = await client.post("/count")
            second, third = await asyncio.gather(client.post("/count"), client.get("/missing"))
            assert app.state.done == []
            return first, second, third, client.trace

    first, second, third, trace = run(look())
    assert [first.json(), second.json(), third.status] == [1, 2, 404]
    assert [first.elapsed, second.elapsed] == [1.0, 1.0]
    assert [exchange.started.seconds for exchange in trace.exchanges] == [0.0, 1.0, 1.0]
    assert app.state.done == [2, 2]


def test_session_of_an_app_that_does_not_start_says_so() -> None:
    async def lifespan(app: FastAPI) -> Any:
        raise OSError("no disk")
        yield

    async def look() -> None:
        async with session(FastAPI(lifespan=asynccontextmanager(lifespan))):
            pass

    with pytest.raises(PlayFailed):
        run(look())


def test_session_without_the_clock_says_how_to_get_it() -> None:
    async def look() -> None:
        async with session(counter()):
            pass

    with pytest.raises(UsageError, match="needs the virtual clock"):
        asyncio.run(look())


# Assertions


def fetching(in_turn: bool) -> Any:
    def factory(first: Any, second: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            if in_turn:
                return [await first(), await second()]
            return await asyncio.gather(first(), second())

        return app

    return factory


def test_overlap_is_asserted_with_lines_and_a_picture() -> None:
    delays = {"first": takes(1), "second": takes(2)}
    assert_overlaps(play(fetching(in_turn=False), get("/"), **delays), "first", "second")
    trace = play(fetching(in_turn=True), get("/"), **delays)
    with pytest.raises(AssertionError, match=r"first \(line \d+\) was over at 1 s, before") as told:
        assert_overlaps(trace, "first", "second")
    assert "GET /" in str(told.value)
    with pytest.raises(AssertionError, match="third was never called"):
        assert_overlaps(trace, "third")


def test_blocking_is_asserted() -> None:
    app = FastAPI()

    @app.get("/")
    async def block() -> None:
        time.sleep(2)

    trace = play(app, get("/"))
    with pytest.raises(AssertionError, match=r"blocked:\n  for 2 s by time.sleep \(line \d+\)"):
        assert_never_blocks(trace)
    assert_never_blocks(play(counter(), get("/missing")))


def test_leftovers_are_asserted() -> None:
    app = FastAPI()

    @app.get("/")
    async def forget() -> None:
        an_hour()  # type: ignore[unused-coroutine]

    with pytest.raises(AssertionError, match="never-awaited: an_hour"):
        assert_nothing_left(play(app, get("/")))
    assert_nothing_left(play(counter(), get("/missing")))


def test_outcome_can_be_raised() -> None:
    app = FastAPI()

    @app.get("/")
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises(PlayFailed, match=r"nothing can ever wake the program at line \d+"):
        play(app, get("/")).raise_for_outcome()
    play(counter(), get("/missing")).raise_for_outcome()


# Exports


def test_trace_survives_json_and_its_schema_names_its_fields() -> None:
    trace = play(fetching(in_turn=True), get("/"), first=takes(1), second=takes(2))
    assert from_json(to_json(trace)) == trace
    schema = json_schema()
    assert {"exchanges", "spans", "incidents"} <= set(schema["$defs"]["Trace"]["properties"])


def test_chrome_events_have_rows_bars_and_arrows() -> None:
    trace = play(fetching(in_turn=True), get("/"), first=takes(1), second=takes(2))
    events = json.loads(json.dumps(to_chrome(trace)))["traceEvents"]
    bars = {event["name"]: (event["ts"], event["dur"]) for event in events if event["ph"] == "X"}
    assert bars["GET /"] == (0, 3_000_000)
    assert bars["second"] == (1_000_000, 2_000_000)
    names = [event["args"]["name"] for event in events if event["ph"] == "M"]
    assert names == ["the app", "#1 GET /"]
    starts = [event["id"] for event in events if event["ph"] == "s"]
    ends = [event["id"] for event in events if event["ph"] == "f"]
    assert starts == ends
    assert len(starts) == 2


# The plugin


APP = """
    import asyncio, time
    import pytest
    from fastapi import FastAPI
    from grader import get, takes

    app = FastAPI()

    @app.get("/")
    async def endpoint():
        await asyncio.sleep(2)
"""


def run_tests(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(code)
    # In a process of its own: pytest-asyncio and the others are set up as a user has them.
    root = str(Path(__file__).parents[1])
    pytester._monkeypatch.setenv("PYTHONPATH", root)
    # The plugin is found as the installed kit's entry point, as it is there.
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_failing_test_shows_its_plays(pytester: pytest.Pytester) -> None:
    code = (
        APP
        + """
    def test_it(play):
        assert play(app, get("/")).exchanges[0].elapsed == 1.0

    @app.get("/broken")
    async def broken():
        return {}["lamp"]

    def test_other(play):
        assert play(app, get("/broken")).exchanges[0].status == 200
    """
    )
    result = run_tests(pytester, code)
    result.assert_outcomes(failed=2)
    result.stdout.re_match_lines_random([".*play.*", ".*GET /.*"])
    result.stdout.re_match_lines(["GET /broken raised", " *KeyError: 'lamp'", ".*, in broken"])


def test_troubles_of_a_play_are_told_with_the_innermost_own_frame() -> None:
    app = FastAPI()

    @app.get("/{number}")
    async def fail(number: int) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1))
            group.create_task(divide(number))

    @app.get("/")
    async def fail_alone() -> float:
        return await divide(0)

    async def divide(number: int) -> float:
        return 1 / number

    told = troubles(play(app, get("/0"), get("/"), get("/1", cancelled_at=0.5)))
    group, alone = told.split("GET / #2 raised")
    assert group.startswith("GET /0 #1 raised\n  ExceptionGroup: ")
    assert "in fail\n" in group
    assert "    ZeroDivisionError: division by zero (line " in group
    assert alone.startswith("\n  ZeroDivisionError: division by zero\n  File ")
    assert alone.endswith("in divide\n    return 1 / number")
    assert troubles(play(counter(), get("/missing"))) == ""


def test_troubles_of_an_app_that_does_not_start_or_gets_stuck_are_told() -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        raise OSError("no disk")
        yield

    told = troubles(play(FastAPI(lifespan=lifespan), get("/")))
    assert "OSError: no disk" in told
    assert 'raise OSError("no disk")' in told

    app = FastAPI()

    @app.get("/")
    async def wait() -> None:
        await asyncio.Event().wait()

    assert "waits for Event.wait at line" in troubles(play(app, get("/")))


def test_marker_sets_what_plays_are_called_with(pytester: pytest.Pytester) -> None:
    code = (
        APP
        + """
    @pytest.mark.play(order_seed=7)
    def test_it(play, monkeypatch):
        import grader.testing.play as module
        seen = []
        real = module.run_play

        def run_play(build, scenario, **options):
            seen.append(scenario.order_seed)
            return real(build, scenario, **options)

        monkeypatch.setattr(module, "run_play", run_play)
        play(app, get("/"))
        play(app, get("/"), order_seed=8)
        assert seen == [7, 8]
    """
    )
    run_tests(pytester, code).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("fixture", "mark", "options"),
    [
        ("pytest.fixture", "", ()),
        ("pytest_asyncio.fixture", "@pytest.mark.asyncio", ()),
        ("pytest.fixture", "", ("-o", "asyncio_mode=auto")),
        ("pytest.fixture", "@pytest.mark.anyio", ()),
    ],
    ids=["alone", "pytest-asyncio", "pytest-asyncio-auto", "anyio"],
)
def test_whole_coroutine_test_lives_by_the_clock_with_its_fixtures(
    pytester: pytest.Pytester, fixture: str, mark: str, options: tuple[str, ...]
) -> None:
    is_async = mark or options
    setup = "async def" if is_async else "def"
    sleep = "await asyncio.sleep(50)" if is_async else "time.sleep(50)"
    code = f"""
    import asyncio, time
    import pytest, pytest_asyncio

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @{fixture}
    {setup} slow():
        start = time.monotonic()
        {sleep}
        yield time.monotonic() - start
        {sleep}

    @pytest.mark.virtual_time
    {mark}
    async def test_it(slow):
        start = time.monotonic()
        await asyncio.sleep(3600)
        assert slow == 50.0
        assert time.monotonic() - start == 3600.0

    def test_beside_it_has_real_time():
        start = time.monotonic()
        time.sleep(0.001)
        assert 0 < time.monotonic() - start < 60
    """
    run_tests(pytester, code, *options).assert_outcomes(passed=2)


def test_plugin_imports_nothing_of_the_kit_in_a_run_that_does_not_use_it() -> None:
    code = (
        "import sys, grader.testing.plugin\n"
        "print(*(n for n in sys.modules if n.startswith(('grader.', 'fastapi', 'msgspec'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"grader.testing", "grader.testing.plugin"}
