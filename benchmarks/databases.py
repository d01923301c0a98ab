"""Databases: whether their time is exact, what they add to a grade, what the relay costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pymongo import AsyncMongoClient

from grader import get, mongo, play, postgres, times
from grader.model.scenarios import Scenario, scenario
from grader.model.trace import encode
from grader.services.postgres.daemon.leases import lease

from .processes import GRADE, LEASES, WITHOUT_DATABASE, busy_machine, own_server, run, timed
from .results import Row, at_most

QUERIES, POOL = 20, 5
LIMITS = {"server up": 0.6, "server starts": 2.0, "very first run": 4.0}


def measure(short: bool) -> list[Row]:
    return [*_exactness(10 if short else 300), *_added(3 if short else 15), *_cost(short)]


# Exactness


def _with_asyncpg(dsn: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        async with asyncpg.create_pool(dsn, min_size=POOL, max_size=POOL) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def query() -> Any:
        return await app.state.pool.fetchval("select 41 + $1", 1)

    return app


def _with_psycopg(dsn: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        async with AsyncConnectionPool(dsn, min_size=POOL, max_size=POOL, open=False) as pool:
            await pool.wait()
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def query() -> Any:
        async with app.state.pool.connection() as connection:
            cursor = await connection.execute("select 41 + %s", [1])
            return (await cursor.fetchone())[0]

    return app


def _with_mongo(url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> Any:
        async with AsyncMongoClient[dict[str, Any]](url, maxPoolSize=POOL) as client:
            app.state.db = client.get_default_database()
            await asyncio.gather(*(client.admin.command("ping") for _ in range(POOL)))
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def query() -> Any:
        return await app.state.db.things.find_one({"name": "lamp"})

    return app


def _exactness(runs: int) -> Iterator[Row]:
    crowd = times(QUERIES, get("/"))
    for name, factory in (("asyncpg", _with_asyncpg), ("psycopg", _with_psycopg)):
        for trip in (0.0, 0.1):
            what = scenario(crowd, dsn=postgres(statement=0.25, round_trip=trip))
            yield _alike(f"{name}, round trip {trip} s", factory, what, runs)
    for trip in (0.0, 0.1):
        what = scenario(crowd, drain=0, url=mongo(command=0.25, round_trip=trip))
        yield _alike(f"AsyncMongoClient, round trip {trip} s", _with_mongo, what, runs)


def _alike(name: str, factory: Callable[[str], FastAPI], what: Scenario, runs: int) -> Row:
    """The moments at which the last of the requests is answered, and whether all runs agree."""
    with busy_machine(6):
        traces = [play(factory, what) for _ in range(runs)]
    last = {max(exchange.elapsed or 0 for exchange in trace.exchanges) for trace in traces}
    same = len({encode(trace) for trace in traces}) == 1
    told = f"{', '.join(map(str, sorted(last)))} s" + ("" if same else ", traces differ")
    row = f"{QUERIES} queries of 0.25 s on a pool of {POOL}: {name} ({runs} runs, 6 busy processes)"
    return Row(row, told, "identical", same)


# What an exercise with a database adds to a grade


def _added(runs: int) -> Iterator[Row]:
    with own_server() as named:
        first = timed(*GRADE, environment=named) - timed(*WITHOUT_DATABASE)
    with own_server() as named:
        starts = [_start(named) for _ in range(runs)]
        pairs = [(timed(*GRADE, environment=named), timed(*WITHOUT_DATABASE)) for _ in range(runs)]
    added = {
        "very first run": [first],
        "server starts": starts[1:],
        "server up": [with_ - without for with_, without in pairs],
    }
    for name, values in added.items():
        yield at_most(f"seconds that exercise 3 adds, {name}", values, LIMITS[name])


def _start(named: dict[str, str]) -> float:
    """Seconds that exercise 3 adds where its server is down."""
    run("-m", LEASES, "stop", environment=named)
    return timed(*GRADE, environment=named) - timed(*WITHOUT_DATABASE)


# The relay's own cost


def _cost(short: bool) -> Iterator[Row]:
    count = 300 if short else 3_000
    direct = [_direct(count) for _ in range(3)]
    relayed = [_relayed(count) for _ in range(3)]
    for way, took in (("straight to the server", direct), ("through the relay", relayed)):
        yield Row(f"queries per second, one after another, {way}", f"{count / median(took):.0f}")
    yield Row("the relay's cost", f"{median(relayed) / median(direct):.2g} times as long")


def _direct(count: int) -> float:
    async def ask(address: Any) -> float:
        connection = await asyncpg.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password or None,
            database=address.database,
        )
        began = time.perf_counter()
        for number in range(count):
            await connection.fetchval("select 41 + $1", number)
        took = time.perf_counter() - began
        await connection.close()
        return took

    with lease() as leased:
        return asyncio.run(ask(leased.address))


def _relayed(count: int) -> float:
    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def ask() -> None:
            connection = await asyncpg.connect(dsn)
            for number in range(count):
                await connection.fetchval("select 41 + $1", number)
            await connection.close()

        return app

    began = time.perf_counter()
    # Each statement takes a moment: an app that does so much in no time has run away.
    trace = play(factory, get("/"), dsn=postgres(0.001))
    assert trace.exchanges[0].status == 200
    return time.perf_counter() - began
