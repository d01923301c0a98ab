"""`play` as a library: from a script, inside a running loop, with collaborators, misused."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException

from grader import (
    Trace,
    blocks,
    connects,
    fails,
    get,
    in_turn,
    play,
    post,
    postgres,
    reply,
    rows,
    scenario,
    takes,
    times,
)
from grader.model.errors import UsageError

ROOT = Path(__file__).parents[1]


def sleeper() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def endpoint(seconds: float = 1) -> float:
        await asyncio.sleep(seconds)
        return time.monotonic()

    return app


# Where it can be called


def test_a_plain_script_can_play() -> None:
    script = """
        import asyncio
        from fastapi import FastAPI
        from grader import get, play

        app = FastAPI()

        @app.get("/dashboard")
        async def dashboard():
            await asyncio.gather(asyncio.sleep(1), asyncio.sleep(0.5))
            return "done"

        trace = play(app, get("/dashboard"))
        print(trace.exchanges[0].elapsed, trace.exchanges[0].text, trace.spans[-1].line)
    """
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.stderr) == ('1.0 "done" 10\n', "")


def test_play_works_where_a_loop_is_running() -> None:
    async def main() -> Trace:
        return play(sleeper(), get("/"))

    assert asyncio.run(main()).exchanges[0].elapsed == 1.0


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_play_works_in_an_async_test() -> None:
    before = asyncio.get_running_loop().time()
    assert play(sleeper(), get("/?seconds=500")).exchanges[0].elapsed == 500.0
    await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - before < 400


def test_many_threads_can_play_at_once() -> None:
    with ThreadPoolExecutor(4) as pool:
        traces = list(pool.map(lambda s: play(sleeper(), get(f"/?seconds={s}")), range(1, 17)))
    assert [trace.exchanges[0].json() for trace in traces] == list(range(1, 17))


def test_an_app_can_be_played_again_and_again() -> None:
    app = sleeper()
    assert [play(app, get("/")).exchanges[0].json() for _ in range(3)] == [1.0] * 3


def world() -> list[Any]:
    """What a play must leave as it was."""
    return [
        time.sleep,
        time.monotonic,
        asyncio.wait_for,
        vars(asyncio.Timeout)["__aexit__"],
        asyncio.new_event_loop,
        warnings.__dict__.get("_warn_unawaited_coroutine"),
        vars(threading.Thread)["start"],
        vars(threading.Thread)["join"],
        vars(type(threading.Lock()))["acquire"],
        vars(ThreadPoolExecutor)["submit"],
        logging.getLogger().level,
        list(logging.getLogger().handlers),
        logging.root.manager.disable,
        gc.isenabled(),
        sys.get_coroutine_origin_tracking_depth(),
    ]


def test_play_leaves_the_world_as_it_was() -> None:
    before = world()
    play(sleeper(), get("/"))
    assert world() == before


class Gate:
    """Holds a thread up in a system call, which no clock can see through."""

    def __init__(self) -> None:
        self._ends = os.pipe()

    def pass_through(self) -> None:
        os.read(self._ends[0], 1)

    def open(self) -> None:
        os.write(self._ends[1], b".")

    def take_down(self) -> None:
        for end in self._ends:
            os.close(end)


def test_a_logger_keeps_its_own_ways() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> None:
        logging.getLogger("app").debug("seen %s", "1")
        logging.getLogger("app").info("done")

    logging.getLogger("app").setLevel(logging.INFO)
    try:
        trace = play(app, get("/"))
    finally:
        logging.getLogger("app").setLevel(logging.NOTSET)
    assert [(log.level, log.message) for log in trace.logs] == [("INFO", "done")]


# Collaborators


def test_a_collaborator_has_the_parameters_it_is_said_to_have() -> None:
    def factory(process: Any, fetch: Any, compute: Any) -> FastAPI:
        assert [*inspect.signature(process).parameters] == ["data"]
        assert inspect.iscoroutinefunction(process)
        assert not inspect.iscoroutinefunction(compute)
        app = FastAPI()

        @app.get("/", dependencies=[Depends(fetch), Depends(compute)])
        async def endpoint() -> list[Any]:
            for wrong in (process, partial(process, 1, 2), partial(process, other=1)):
                with pytest.raises(TypeError, match=r"process\(\) "):
                    wrong()  # at the call, as of any function, and not where it is awaited
            return [await process(1), await process(data=2)]

        return app

    trace = play(
        factory,
        get("/"),
        process=takes(1, "done", parameters=["data"]),
        fetch=takes(0.5, "fetched"),
        compute=blocks(0, 7, parameters=[]),
    )
    assert trace.exchanges[0].json() == ["done", "done"]
    assert [span.name for span in trace.calls()] == ["fetch", "compute", "process", "process"]
    assert [span.arguments for span in trace.calls("process")] == [(1,), (2,)]


def test_a_collaborator_of_no_said_parameters_takes_anything() -> None:
    def factory(fetch: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            return await fetch(1, name="two")

        return app

    trace = play(factory, get("/"), fetch=takes(1, "done"))
    assert [span.arguments for span in trace.calls("fetch")] == [(1, "two")]


def test_a_factory_is_handed_its_collaborators_by_name() -> None:
    def factory(fetch: Any, compute: Any, read: Any, connect: Any, sources: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> dict[str, Any]:
            connection = await connect()
            return {
                "fetched": await fetch("x", limit=2),
                "computed": await asyncio.to_thread(compute),
                "rows": [row async for row in read()],
                "queried": await connection.query("select 1"),
                "closed": await connection.close(),
                "sources": [await source() for source in sources.values()],
                "coroutines": inspect.iscoroutinefunction(fetch),
            }

        return app

    trace = play(
        factory,
        get("/"),
        fetch=takes(1, {"name": "Ada"}),
        compute=blocks(2, 42),
        read=rows([1, 2], every=0.5),
        connect=connects(0.25, query=takes(0.5, [[1]]), close=0.25),
        sources={"a": takes(1, "A"), "b": in_turn(takes(2, "B"))},
    )
    assert trace.exchanges[0].json() == {
        "fetched": {"name": "Ada"},
        "computed": 42,
        "rows": [1, 2],
        "queried": [[1]],
        "closed": None,
        "sources": ["A", "B"],
        "coroutines": True,
    }
    called = {call.name: (call.seconds, call.how, call.resource) for call in trace.calls()}
    assert called == {
        "connect": (0.25, "done", 1),
        "fetch": (1.0, "done", None),
        "compute": (2.0, "done", None),
        "read": (1.0, "done", 2),
        "connect.query": (0.5, "done", 1),
        "connect.close": (0.25, "done", 1),
        "a": (1.0, "done", None),
        "b": (2.0, "done", None),
    }
    assert trace.calls("fetch")[0].arguments == ("x", 2)
    assert trace.calls("connect.query")[0].arguments == ("select 1",)
    assert trace.calls("read")[0].count == 2
    assert trace.exchanges[0].elapsed == 8.0


def test_a_collaborator_can_fail() -> None:
    def factory(fetch: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> str:
            try:
                return str(await fetch())
            except Exception as error:
                return repr(error)

        return app

    def says(failure: Any) -> tuple[Any, str, float]:
        trace = play(factory, get("/"), fetch=failure)
        (call,) = trace.calls("fetch")
        return trace.exchanges[0].json(), call.how, call.seconds

    assert says(fails(1, text="lost")) == ("ConnectionError('lost')", "failed", 1.0)
    assert says(fails(2, "ValueError")) == ("ValueError('')", "failed", 2.0)
    http = repr(HTTPException(404, "gone"))
    assert says(fails(0, status=404, text="gone")) == (http, "failed", 0.0)


def test_the_steps_of_a_collaborator_are_taken_in_turn_and_the_last_one_stays() -> None:
    def factory(fetch: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> list[Any]:
            return [await fetch() for _ in range(3)]

        return app

    trace = play(factory, get("/"), fetch=in_turn(takes(1, "first"), takes(2, "rest")))
    assert trace.exchanges[0].json() == ["first", "rest", "rest"]
    assert [call.seconds for call in trace.calls()] == [1.0, 2.0, 2.0]


def test_a_connection_refuses_to_be_used_when_it_is_closed() -> None:
    def factory(connect: Any) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint(late: bool) -> str:
            connection = await connect()
            query = asyncio.create_task(connection.query("select 1"))
            await asyncio.sleep(2 if late else 0.5)
            await connection.close()
            try:
                return str([await query, await connection.query("select 2")])
            except ConnectionError as error:
                return str(error)

        return app

    early, late = play(
        factory, get("/?late=0"), get("/?late=1"), connect=connects(query=takes(1, []))
    ).exchanges
    assert early.json() == "the connection was closed before the rows were read"
    assert late.json() == "the connection is closed"


# Misuse


@pytest.mark.parametrize("thing", [None, 42, "app", object()])
def test_what_cannot_be_called_is_no_app(thing: Any) -> None:
    with pytest.raises(UsageError, match="must be callable"):
        play(thing, get("/"))


@pytest.mark.parametrize("thing", [lambda: None, lambda scope: None, FastAPI, dict])
def test_what_does_not_take_three_arguments_is_no_app(thing: Any) -> None:
    with pytest.raises(UsageError, match="scope, receive and send"):
        play(thing, get("/"))


def test_a_plain_function_is_no_app() -> None:
    def app(scope: Any, receive: Any, send: Any) -> str:
        return "hello"

    with pytest.raises(UsageError):
        play(app, get("/"))


def test_a_whole_scenario_takes_nothing_beside_it() -> None:
    whole = scenario(get("/"))
    assert play(sleeper(), whole).exchanges[0].status == 200
    for more in ({"order_seed": 1}, {"drain": 1}, {"fetch": takes(1)}):
        with pytest.raises(UsageError, match="takes no further arguments"):
            play(sleeper(), whole, **more)
    with pytest.raises(UsageError):
        play(sleeper(), whole, get("/"))


@pytest.mark.parametrize("wrong", ["/", 1, None, [get("/"), "/"]])
def test_what_is_no_request_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError):
        play(sleeper(), wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: get("/", at=-1),
        lambda: get("/", hangs_up_at="1"),
        lambda: takes(float("nan")),
        lambda: takes(True),
        lambda: rows(["ab"], every=-0.5),
        lambda: reply({"id": 1}),  # type: ignore[arg-type]
        lambda: postgres(round_trip=None),  # type: ignore[arg-type]
        lambda: scenario(get("/"), drain=-1),
    ],
)
def test_a_time_that_cannot_pass_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError, match="isn't a time that can pass"):
        wrong()


def test_a_path_begins_with_a_slash() -> None:
    with pytest.raises(UsageError, match="write '/dashboard'"):
        get("dashboard")


def test_what_is_no_collaborator_is_refused() -> None:
    def factory(fetch: Any) -> FastAPI:
        return sleeper()

    with pytest.raises(UsageError):
        play(factory, get("/"), fetch=1)  # type: ignore[arg-type]


def test_a_collaborator_that_the_factory_does_not_take_is_refused() -> None:
    def factory(fetch: Any) -> FastAPI:
        return sleeper()

    with pytest.raises(UsageError):
        play(factory, get("/"), fetched=takes(1))


def test_a_factory_that_gives_no_app_is_refused() -> None:
    with pytest.raises(UsageError):
        play(lambda fetch: None, get("/"), fetch=takes(1))


def test_an_error_in_a_factory_is_the_callers_to_see() -> None:
    def factory(fetch: Any) -> FastAPI:
        raise ValueError("no settings")

    with pytest.raises(ValueError, match="no settings"):
        play(factory, get("/"), fetch=takes(1))


def test_an_error_in_a_test_that_plays_is_told_what_to_do() -> None:
    with pytest.raises(UsageError) as caught:
        play(FastAPI, get("/"))
    assert caught.value.exit_code == 2
    assert caught.value.remedy.startswith("pass an ASGI app")
    assert str(caught.value) == f"{caught.value.problem}\n{caught.value.remedy}"


def test_a_request_body_reaches_the_app() -> None:
    app = FastAPI()

    @app.post("/")
    async def endpoint(data: dict[str, int]) -> int:
        return sum(data.values())

    good, bad = play(app, post("/", json={"a": 1, "b": 2}), post("/", json=[1])).exchanges
    assert (good.status, good.json()) == (200, 3)
    assert bad.status == 422


def test_requests_may_be_given_in_groups() -> None:
    trace = play(sleeper(), times(3, get("/")), [get("/", at=1)])
    assert [exchange.started.seconds for exchange in trace.exchanges] == [0, 0, 0, 1]


def test_plays_in_several_threads_put_back_what_they_replace() -> None:
    before = asyncio.Timeout.__aexit__, asyncio.wait_for, time.sleep, logging.getLogger().level
    answers: list[object] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(play(sleeper(), get("/")).exchanges[0].elapsed)
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    after = asyncio.Timeout.__aexit__, asyncio.wait_for, time.sleep, logging.getLogger().level
    assert after == before


def test_a_play_within_a_play_has_a_clock_of_its_own() -> None:
    app = FastAPI()

    @app.get("/")
    async def endpoint() -> list[float | None]:
        inner = play(sleeper(), get("/")).exchanges[0].elapsed
        return [inner, time.monotonic()]

    (exchange,) = play(app, get("/")).exchanges
    assert exchange.json() == [play(sleeper(), get("/")).exchanges[0].elapsed, 0.0]


# What stands in for something in one play


def test_dependencies_and_environment_are_replaced_for_one_play_only() -> None:
    app = FastAPI()

    def user() -> str:
        return "real"

    @app.get("/")
    async def who(name: str = Depends(user)) -> Any:
        return [name, os.environ.get("GREETING")]

    stand_in = play(
        app, get("/"), overrides={user: lambda: "fake"}, environment={"GREETING": "hello"}
    )
    assert stand_in.exchanges[0].json() == ["fake", "hello"]
    assert play(app, get("/")).exchanges[0].json() == ["real", None]
    assert app.dependency_overrides == {}
    assert "GREETING" not in os.environ


def test_exception_of_the_app_is_raised_where_that_is_asked_for() -> None:
    app = FastAPI()

    @app.get("/")
    async def fail() -> None:
        raise LookupError("the very one")

    assert play(app, get("/")).exchanges[0].status == 500
    with pytest.raises(LookupError, match="the very one"):
        play(app, get("/"), raise_app_exceptions=True)


def test_overrides_of_what_has_none_are_refused() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    with pytest.raises(UsageError, match="overrides need a FastAPI app"):
        play(app, get("/"), overrides={print: print})


def test_settings_are_understood_by_their_former_names() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        pass

    with pytest.warns(DeprecationWarning, match="linger= is called drain= now"):
        play(app, linger=5)
