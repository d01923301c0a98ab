"""A pooler in transaction mode: what a session keeps does not hold beyond a transaction."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import psycopg
import pytest
from fastapi import FastAPI

from grader import Trace, get, play, postgres
from grader.judge.aspects.answers import answers
from grader.judge.diagnoses import Case, diagnose
from grader.model.errors import UsageError
from grader.model.scenarios import Outage, Scenario, scenario

Work = Callable[[asyncpg.Connection], Awaitable[Any]]


def app_with(work: Work, connections: int = 2, **options: Any) -> Callable[[str], FastAPI]:
    """A factory of an app that answers with what is done on a connection of a pool."""

    def factory(dsn: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            settings = {"statement_cache_size": 0, "min_size": 1, "max_size": connections} | options
            async with asyncpg.create_pool(dsn, **settings) as app.state.pool:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> Any:
            async with app.state.pool.acquire() as connection:
                return await work(connection)

        return app

    return factory


def played(work: Work, *moments: float, pooler: int = 3, **options: Any) -> Trace:
    requests = [get("/", at=moment) for moment in moments or (0,)]
    return play(app_with(work, **options), *requests, dsn=postgres(statement=1, pooler=pooler))


def answer(work: Work, **options: Any) -> Any:
    trace = played(work, **options)
    assert trace.outcome.kind == "finished", trace.outcome
    exchange = trace.exchanges[0]
    return exchange.raised.type if exchange.raised else exchange.json()


async def pid(connection: asyncpg.Connection) -> Any:
    return await connection.fetchval("select pg_backend_pid()")


async def pids(connection: asyncpg.Connection) -> list[int]:
    return [await pid(connection) for _ in range(4)]


def test_each_transaction_has_the_session_that_was_idle_longest() -> None:
    first, second, third, again = answer(pids)
    assert len({first, second, third}) == 3
    assert again == first


def test_a_transaction_keeps_its_session() -> None:
    async def work(connection: asyncpg.Connection) -> list[int]:
        async with connection.transaction():
            return await pids(connection)

    assert len({*answer(work)}) == 1


def test_without_a_pooler_a_connection_has_its_session_for_itself() -> None:
    assert len({*answer(pids, pooler=0)}) == 1


async def search_path(connection: asyncpg.Connection) -> Any:
    await connection.execute("set search_path to elsewhere")
    return await connection.fetchval("show search_path")


async def local_setting(connection: asyncpg.Connection) -> Any:
    async with connection.transaction():
        await connection.execute("set local search_path to elsewhere")
        return await connection.fetchval("show search_path")


async def time_zone(connection: asyncpg.Connection) -> Any:
    await connection.execute("set timezone to 'Asia/Tokyo'")
    return await connection.fetchval("show timezone")


async def temporary_table(connection: asyncpg.Connection) -> Any:
    await connection.execute("create temp table kept (id int)")
    return await connection.fetch("select * from kept")


async def session_lock(connection: asyncpg.Connection) -> Any:
    await connection.execute("select pg_advisory_lock(1)")
    return await connection.fetchval("select pg_advisory_unlock(1)")


async def prepared(connection: asyncpg.Connection) -> Any:
    await connection.execute("prepare one as select 1")
    return await connection.fetchval("execute one")


@pytest.mark.parametrize(
    ("work", "alone", "pooled"),
    [
        (search_path, "elsewhere", '"$user", public'),
        (local_setting, "elsewhere", "elsewhere"),
        (time_zone, "Asia/Tokyo", "Asia/Tokyo"),  # PgBouncer sets it anew
        (temporary_table, [], "UndefinedTableError"),
        (session_lock, True, False),
        (prepared, 1, "InvalidSQLStatementNameError"),
    ],
)
def test_what_a_session_keeps_does_not_hold(work: Work, alone: Any, pooled: Any) -> None:
    assert (answer(work, pooler=0), answer(work)) == (alone, pooled)


def test_statements_that_the_driver_keeps_are_not_known_any_more() -> None:
    async def work(connection: asyncpg.Connection) -> Any:
        return [await connection.fetchval("select $1::int", each) for each in (1, 2)]

    assert answer(work, statement_cache_size=10) == "InvalidSQLStatementNameError"
    assert answer(work) == [1, 2]


def test_one_who_listens_hears_nothing() -> None:
    async def work(connection: asyncpg.Connection) -> list[str]:
        heard: list[str] = []

        def hear(*news: Any) -> None:
            heard.append(news[3])

        await connection.add_listener("news", hear)
        await connection.execute("notify news, 'hi'")
        await asyncio.sleep(1)
        await connection.remove_listener("news", hear)
        return heard

    assert (answer(work, pooler=0), answer(work)) == (["hi"], [])


def test_who_finds_no_session_waits_for_the_end_of_a_transaction() -> None:
    async def work(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("select 1")
            await connection.execute("select 2")

    trace = played(work, 0, 0, 0, pooler=2, connections=3)
    assert sorted(exchange.elapsed or 0 for exchange in trace.exchanges) == [2, 2, 4]


def test_who_waits_for_two_minutes_is_cut_off() -> None:
    async def work(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("select 1")
            await asyncio.sleep(200)

    first, second = played(work, 0, 0, pooler=1).exchanges
    assert (first.status, first.elapsed) == (200, 201)
    assert (second.status, second.elapsed) == (500, 120)
    assert second.raised is not None
    assert "query_wait_timeout" in second.raised.text


def test_a_lock_that_another_transaction_holds_is_waited_for() -> None:
    async def work(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(7)")
            await connection.execute("select 1")

    trace = played(work, 0, 0)
    assert [exchange.elapsed for exchange in trace.exchanges] == [2, 3]


def test_a_statement_can_be_cancelled() -> None:
    async def work(connection: asyncpg.Connection) -> str:
        try:
            await connection.execute("select 1", timeout=0.5)
        except TimeoutError:
            return str(await connection.fetchval("select 'free'"))
        return "in time"

    trace = played(work)
    assert (trace.exchanges[0].json(), trace.exchanges[0].elapsed) == ("free", 1.5)


def test_a_client_that_leaves_in_a_transaction_takes_the_session_with_it() -> None:
    async def work(connection: asyncpg.Connection) -> None:
        await connection.execute("begin")
        connection.terminate()

    trace = played(work, 0, 1, 2, pooler=1)
    assert [exchange.status for exchange in trace.exchanges] == [200, 200, 200]


@pytest.mark.parametrize(
    "connect",
    [
        lambda dsn: asyncpg.connect(dsn, server_settings={"search_path": "elsewhere"}),
        lambda dsn: psycopg.AsyncConnection.connect(dsn, options="-c search_path=elsewhere"),
    ],
)
def test_a_client_cannot_begin_with_settings_of_its_own(connect: Any) -> None:
    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> str:
            try:
                await connect(dsn)
            except (asyncpg.PostgresError, psycopg.OperationalError) as error:
                return str(error)
            return "connected"

        return app

    trace = play(factory, get("/"), dsn=postgres(pooler=1))
    assert "unsupported startup parameter: " in trace.exchanges[0].json()


def test_psycopg_is_served_as_well() -> None:
    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> list[int]:
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
                cursors = [await connection.execute("select pg_backend_pid()") for _ in range(3)]
                rows = [await cursor.fetchone() for cursor in cursors]
                return [row[0] for row in rows if row]

        return app

    trace = play(factory, get("/"), dsn=postgres(pooler=3))
    assert len({*trace.exchanges[0].json()}) == 3


def test_after_an_outage_there_are_new_sessions() -> None:
    work = app_with(pids)
    away = postgres(pooler=2, outages=[Outage(at=1, seconds=1)])
    trace = play(work, get("/"), get("/", at=3), dsn=away)
    before, after = (exchange.json() for exchange in trace.exchanges)
    assert not {*before} & {*after}


@pytest.mark.parametrize("number", [-1, 1.5, True, "3"])
def test_a_pooler_has_a_number_of_sessions(number: Any) -> None:
    with pytest.raises(UsageError, match=f"^pooler.*{number}"):
        postgres(pooler=number)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (search_path, "sets something for its session"),
        (temporary_table, "makes a temporary table"),
        (session_lock, "takes a lock that its session holds"),
        (prepared, "prepared in another one"),
    ],
)
def test_diagnosis_says_what_the_session_kept(work: Work, says: str) -> None:
    what = scenario(get("/"), dsn=postgres(pooler=3))

    def of(some: Work) -> Trace:
        return play(app_with(some), what)

    async def right(connection: asyncpg.Connection) -> str:
        return "done"

    def replay(other: Scenario) -> tuple[Trace, Trace]:
        raise AssertionError("nothing else has to be played")

    case = Case(of(work), of(right), what, answers, replay, inspect.getsource(work))
    first = diagnose(case)[0]
    assert (first.id, says in first.text) == ("session-state-lost", True), first
