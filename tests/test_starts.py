"""A server that is stopped and started again: what is in memory is gone, the rest is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from grader import get, play, post, postgres, scenario, takes
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.errors import UsageError

MEMORY_AND_TABLE = "create table visits (id serial primary key)"


def counting(fetch: Any = None) -> FastAPI:
    counts: list[int] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"started": asyncio.get_running_loop().time()}
        if fetch is not None:
            await fetch()

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def count() -> int:
        counts.append(1)
        return len(counts)

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(3)
        return "done"

    return app


def test_what_is_in_memory_is_gone() -> None:
    requests = [post("/"), post("/", at=1), post("/", at=6), post("/", at=7)]
    trace = play(counting, scenario(*requests, stops_at=5, starts=2))
    assert trace.outcome.kind == "finished"
    assert [exchange.json() for exchange in trace.exchanges] == [1, 2, 1, 2]


def test_each_start_but_the_last_ends_after_the_same_time() -> None:
    requests = [post("/", at=moment) for moment in (1, 6, 11, 30)]
    trace = play(counting, scenario(*requests, stops_at=5, starts=3))
    assert [exchange.json() for exchange in trace.exchanges] == [1, 1, 1, 2]


def test_what_is_open_is_finished_and_what_comes_meanwhile_is_refused() -> None:
    requests = [get("/slow", at=4), post("/", at=6), post("/", at=8)]
    trace = play(counting, scenario(*requests, stops_at=5, starts=2))
    slow, meanwhile, later = trace.exchanges
    assert slow.json() == "done"
    assert meanwhile.refused is not None
    assert later.json() == 1


def test_the_grace_period_of_one_start_ends_no_request_of_the_next() -> None:
    requests = [get("/slow"), get("/slow", at=3.5)]
    trace = play(counting, scenario(*requests, stops_at=2, grace=2, starts=2))
    assert [exchange.json() for exchange in trace.exchanges] == ["done", "done"]


def test_lifespan_ends_before_the_next_one_begins() -> None:
    trace = play(counting, scenario(post("/", at=9), stops_at=1, starts=2, fetch=takes(2)))
    first, second = (span for span in trace.spans if span.kind == "call")
    assert first.end is not None
    assert (first.start.seconds, first.end.seconds) == (1.0, 3.0)
    assert second.start.seconds >= 9.0


def visiting(dsn: str) -> FastAPI:
    """Leaks a connection with an open transaction, which holds a lock."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.leak = await asyncpg.connect(dsn)
        await app.state.leak.execute("begin; lock table visits in access exclusive mode")
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/")
    async def visit() -> int:
        visit: int = await app.state.leak.fetchval("insert into visits default values returning 1")
        await app.state.leak.execute("commit")
        return visit

    @app.get("/")
    async def visits() -> int:
        number: int = await app.state.leak.fetchval("select count(*) from visits")
        return number

    return app


def test_database_stays_and_what_the_first_process_held_of_it_is_let_go() -> None:
    requests = [post("/"), get("/", at=6)]
    database = postgres(0.1, seed_sql=MEMORY_AND_TABLE)
    trace = play(visiting, scenario(*requests, stops_at=5, starts=2, dsn=database))
    assert trace.outcome.kind == "finished"
    assert [exchange.json() for exchange in trace.exchanges] == [1, 1]
    assert [span.how for span in trace.spans if span.kind == "connection"] == ["open", "open"]


FILE = """
import asyncio
from fastapi import FastAPI

starts = []

def exercise_1(fetch):
    starts.append(1)
    app = FastAPI()

    @app.get("/")
    async def root():
        return [len(starts), await fetch()]

    return app
"""


def test_answer_to_an_exercise_is_loaded_anew(tmp_path: Path) -> None:
    """Its module is a new one, and a collaborator is the one that it was."""
    worker = Worker()
    player = FilePlayer(worker, FILE, str(tmp_path / "exercise.py"))
    what = scenario(
        get("/"), get("/", at=9), stops_at=5, starts=2, fetch=takes(1, [{"n": 1}, {"n": 2}])
    )
    try:
        trace = Subject(player, "exercise_1").play(what)
    finally:
        player.close()
        worker.close()
    assert [exchange.json()[0] for exchange in trace.exchanges] == [1, 1]


def test_second_start_that_fails_is_the_outcome() -> None:
    lives: list[int] = []

    def failing() -> FastAPI:
        lives.append(1)

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            if len(lives) > 1:
                raise LookupError
            yield

        return FastAPI(lifespan=lifespan)

    trace = play(failing, scenario(get("/"), get("/", at=9), stops_at=5, starts=2))
    assert trace.outcome.kind == "startup-failed"
    assert [exchange.status for exchange in trace.exchanges] == [404, None]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"starts": 0}, "starts=0 isn't a number of starts"),
        ({"starts": True, "stops_at": 1}, "starts=True isn't a number"),
        ({"starts": 2}, "doesn't say when the server stops"),
    ],
)
def test_nonsense_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scenario(get("/"), **settings)


def test_an_app_that_is_there_can_not_be_built_anew() -> None:
    with pytest.raises(UsageError, match="builds the app again"):
        play(FastAPI(), get("/"), stops_at=1, starts=2)
