"""The relay: real drivers and a real PostgreSQL, on the virtual clock."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import linecache
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import psycopg
import psycopg_pool
import pytest
from databases import CUT_OFF, PATIENCE, eventually
from fastapi import FastAPI
from psycopg.types.composite import CompositeInfo
from psycopg.types.enum import EnumInfo
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from grader import Fault, Outage, Trace, get, play, postgres, scenario, times
from grader.clock import clocks_installed
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import Exited
from grader.model.errors import UsageError
from grader.model.trace import Span, SpanKind, encode
from grader.services.postgres.daemon.embedded import find_programs, is_ready
from grader.services.postgres.daemon.leases import lease, stop
from grader.services.postgres.daemon.state import KeeperState, held_by
from grader.services.postgres.daemon.unprivileged import child_setup, own
from grader.services.postgres.wire import ASKS_FOR_TLS

SEED = """
    create table items (id serial primary key, name text, price int default 0);
    insert into items (name) values ('a'), ('b');
"""


@pytest.fixture(scope="module", autouse=True)
def _psycopg_pool_on_clock() -> Iterator[None]:
    """It takes `time.monotonic` by name, and is to be imported where clocks are installed, as
    in a worker. Here it has long been imported, perhaps by another test."""

    def monotonic() -> float:
        return time.monotonic() or 5e-324  # it takes 0 for "never"

    names = "base", "pool", "pool_async", "sched", "sched_async"
    modules = [vars(psycopg_pool)[name] for name in names]
    with clocks_installed(), pytest.MonkeyPatch.context() as patch:
        for module in modules:
            patch.setattr(module, "monotonic", monotonic)
        yield


# Apps, and what their traces tell


Pool = Callable[[str], AbstractAsyncContextManager[Any]]
Work = Callable[[Any], Awaitable[Any]]
Factory = Callable[[str], FastAPI]


@asynccontextmanager
async def with_asyncpg(dsn: str, size: int = 5, **options: Any) -> AsyncIterator[Any]:
    async with asyncpg.create_pool(dsn, min_size=size, max_size=size, **options) as pool:
        yield pool


@asynccontextmanager
async def with_psycopg(dsn: str, size: int = 5, **options: Any) -> AsyncIterator[Any]:
    async with AsyncConnectionPool(
        dsn, min_size=size, max_size=size, open=False, **options
    ) as pool:
        await pool.wait()
        yield pool


@asynccontextmanager
async def with_engine(
    dsn: str, driver: str = "asyncpg", size: int = 5, **options: Any
) -> AsyncIterator[Any]:
    url = dsn.replace("postgresql:", f"postgresql+{driver}:")
    engine = create_async_engine(url, pool_size=size, max_overflow=0, **options)
    try:
        yield engine
    finally:
        await engine.dispose()


POOLS = {
    "asyncpg": with_asyncpg,
    "psycopg": with_psycopg,
    "sqlalchemy-asyncpg": with_engine,
    "sqlalchemy-psycopg": partial(with_engine, driver="psycopg"),
}
every_pool = pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)


def app_on(pool: Pool, **endpoints: Work) -> Factory:
    """A factory of an app with a pool in its lifespan; `/name` returns what `name(pool)` does."""

    def factory(dsn: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with pool(dsn) as app.state.pool:
                yield

        app = FastAPI(lifespan=lifespan)

        def add(name: str, work: Work) -> None:
            @app.get(f"/{name}", response_model=None)
            async def endpoint() -> Any:
                return await work(app.state.pool)

        for name, work in endpoints.items():
            add(name, work)
        return app

    return factory


async def fetch(pool: Any, sql: str = "select 1") -> Any:
    """The first value that a statement returns, as each of the pools is asked for it."""
    if isinstance(pool, asyncpg.Pool):
        return await pool.fetchval(sql)
    if isinstance(pool, AsyncConnectionPool):
        async with pool.connection() as connection:
            row = await (await connection.execute(sql)).fetchone()
            return row[0] if row else None
    async with pool.connect() as connection:
        return (await connection.execute(text(sql))).scalar()


def acquired(pool: Any, **options: Any) -> Any:
    """A connection of a pool, for a block."""
    names = {asyncpg.Pool: "acquire", AsyncConnectionPool: "connection"}
    return getattr(pool, names.get(type(pool), "connect"))(**options)


async def run(connection: Any, sql: str) -> Any:
    """A statement on a connection of any pool."""
    is_plain = isinstance(connection, psycopg.AsyncConnection | asyncpg.pool.PoolConnectionProxy)
    return await connection.execute(sql if is_plain else text(sql))


def now() -> float:
    return asyncio.get_running_loop().time()


def elapsed(trace: Trace) -> list[Any]:
    assert trace.outcome.kind == "finished", trace.outcome
    return [exchange.elapsed for exchange in trace.exchanges]


def results(trace: Trace) -> list[Any]:
    assert [(e.path, e.status, e.raised) for e in trace.exchanges if e.status != 200] == []
    return [exchange.json() for exchange in trace.exchanges]


def spans(trace: Trace, kind: SpanKind) -> list[Span]:
    return [span for span in trace.spans if span.kind == kind]


def periods(trace: Trace, kind: SpanKind) -> list[tuple[float, float, str]]:
    return [(span.start.seconds, span.end.seconds, span.how) for span in spans(trace, kind)]


# How long it takes


@every_pool
def test_twenty_queries_on_a_pool_of_five_take_four_rounds(pool: Pool) -> None:
    trace = play(app_on(pool, q=fetch), times(20, get("/q")), dsn=postgres(0.25))
    assert sorted(elapsed(trace)) == [0.25] * 5 + [0.5] * 5 + [0.75] * 5 + [1.0] * 5
    assert results(trace) == [1] * 20
    assert len(spans(trace, "connection")) == 5


@every_pool
def test_any_number_of_statements_takes_no_time_where_none_is_given(pool: Pool) -> None:
    async def fetch_often(connection: Any) -> int:
        return sum([await fetch(connection) for _ in range(150)])

    trace = play(app_on(pool, q=fetch_often), get("/q"), dsn=postgres())
    assert (elapsed(trace), results(trace)) == ([0.0], [150])


def test_asyncpg_prepares_at_first_and_resets_after_each() -> None:
    """0.1 to prepare, 0.1 + 0.25 to query, 0.1 to reset; a connection prepares only once."""
    trace = play(app_on(with_asyncpg, q=fetch), times(20, get("/q")), dsn=postgres(0.25, 0.1))
    assert sorted(elapsed(trace)) == [0.55] * 5 + [1.0] * 5 + [1.45] * 5 + [1.9] * 5


def test_psycopg_begins_and_commits() -> None:
    """0.1 for BEGIN, 0.1 + 0.25 to query, 0.1 for COMMIT."""
    trace = play(app_on(with_psycopg, q=fetch), times(20, get("/q")), dsn=postgres(0.25, 0.1))
    assert sorted(elapsed(trace)) == [0.55] * 5 + [1.1] * 5 + [1.65] * 5 + [2.2] * 5


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_sqlalchemy_begins_and_rolls_back(driver: str) -> None:
    """0.1 for BEGIN, 0.1 + 0.25 to query, 0.1 for ROLLBACK: what is not committed is undone.

    Before its first statement it connects, and asks the server about itself.
    """
    pool = partial(with_engine, driver=driver, size=1)
    trace = play(app_on(pool, q=fetch), get("/q"), get("/q", at=9), dsn=postgres(0.25, 0.1))
    first, second = elapsed(trace)
    assert first > 1.0
    assert second == 0.55


# Drivers that block


def sync_psycopg(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        return int(connection.execute("select 1").fetchone()[0])  # type: ignore[index]


def sync_engine(dsn: str) -> int:
    engine = create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        found = int(connection.scalar(text("select 1")) or 0)
    engine.dispose()
    return found


def sync_pool(dsn: str) -> int:
    """Its connections are opened by threads of its own."""
    with ConnectionPool(dsn, min_size=1, max_size=2) as pool:
        pool.wait()
        with pool.connection() as connection:
            return int(connection.execute("select 1").fetchone()[0])  # type: ignore[index]


blocking = pytest.mark.parametrize("work", [sync_psycopg, sync_engine, sync_pool])


@blocking
def test_a_driver_that_blocks_takes_its_time_and_blocks_the_loop_meanwhile(
    work: Callable[[str], int],
) -> None:
    """Who asked for a nap of 0.1 s is answered when the loop is free again."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            return work(dsn)

        @app.get("/nap")
        async def nap() -> None:
            await asyncio.sleep(0.1)

        return app

    for _ in range(2):
        trace = play(factory, get("/nap"), get("/"), dsn=postgres(0.25))
        assert elapsed(trace) == [0.25, 0.25]
        assert results(trace) == [None, 1]
        blocked = [i for i in trace.incidents if i.kind == "loop-blocked" and i.seconds]
        assert sum(incident.seconds for incident in blocked) == 0.25
        assert {linecache.getline(__file__, i.line or 0).strip() for i in blocked} <= set(
            map(str.strip, inspect.getsource(work).splitlines())
        )
        [statement] = [s for s in spans(trace, "statement") if "select 1" in s.arguments[0].lower()]
        assert (statement.exchange, statement.how) == (1, "done")


@blocking
@pytest.mark.parametrize("where", ["import", "lifespan", "startup"])
def test_a_driver_that_blocks_at_the_start_blocks_only_the_start(
    work: Callable[[str], int], where: str
) -> None:
    def factory(dsn: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            work(dsn)
            yield

        app = FastAPI(lifespan=lifespan if where == "lifespan" else None)
        if where == "import":
            work(dsn)
        elif where == "startup":
            app.router.on_startup.append(partial(work, dsn))
        app.get("/")(lambda: work(dsn))
        return app

    trace = play(factory, get("/"), dsn=postgres(0.25))
    assert elapsed(trace) == [0.25]
    assert results(trace) == [1]
    assert trace.opened == 250_000


@blocking
def test_a_driver_that_blocks_a_thread_leaves_the_loop_free(work: Callable[[str], int]) -> None:
    """Each of three requests opens a connection of its own, and asks at the same time."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()
        app.get("/")(lambda: work(dsn))
        return app

    trace = play(factory, times(3, get("/")), dsn=postgres(0.25))
    assert elapsed(trace) == [0.25] * 3
    assert [incident for incident in trace.incidents if incident.kind == "loop-blocked"] == []
    assert {span.exchange for span in spans(trace, "statement")} == {0, 1, 2}


def test_psycopg_still_waits_where_it_is_put_on_the_clock() -> None:
    """If this fails, `grader/services/postgres/private.py` has to learn the new names."""
    from psycopg import connection, waiting

    assert connection.waiting is waiting
    assert "waiting.wait(" in inspect.getsource(connection.Connection.wait)
    assert "waiting.wait_conn(" in inspect.getsource(connection.Connection.connect)
    for wait in (waiting.wait_selector, waiting.wait_conn):
        assert "DefaultSelector()" in inspect.getsource(wait)
    assert "_drained_at" in inspect.getsource(psycopg_pool.base)


def test_a_driver_that_the_factory_itself_imports_is_waited_for_as_well() -> None:
    """In a fresh process: SQLAlchemy imports its driver when it makes an engine."""
    code = """
        from fastapi import FastAPI
        from grader import get, play, postgres

        def factory(dsn):
            from sqlalchemy import create_engine, text
            engine = create_engine(dsn.replace("postgresql:", "postgresql+psycopg:"))
            with engine.connect() as connection:
                connection.execute(text("select 1"))
            engine.dispose()
            return FastAPI()

        trace = play(factory, get("/"), dsn=postgres(0.25))
        print(trace.outcome.kind, *(s.how for s in trace.spans if s.kind == "connection"))
        import psycopg.waiting, selectors
        print(psycopg.waiting.DefaultSelector is selectors.DefaultSelector)
    """
    asked = [sys.executable, "-c", inspect.cleandoc(code)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert said == "finished done\nTrue\n"


def test_a_blocking_driver_waits_for_a_lock_of_another_thread() -> None:
    """The first has the row for a second, from 0.25; the other then gets it."""

    def take(dsn: str) -> float:
        with psycopg.connect(dsn) as connection:
            connection.execute("select * from items where id = 1 for update")
            got = time.monotonic()
            time.sleep(1)
        return got

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()
        app.get("/")(lambda: take(dsn))
        return app

    trace = play(factory, times(2, get("/")), dsn=postgres(0.25, seed_sql=SEED))
    assert sorted(results(trace)) == [0.25, 1.25]


def test_a_blocking_driver_that_waits_for_what_the_loop_holds_never_goes_on() -> None:
    """In life, too: the transaction that has the row cannot go on while the loop is blocked."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            async with with_asyncpg(dsn, 1) as pool, pool.acquire() as connection:
                await connection.execute("begin")
                await connection.execute("update items set price = 1")
                with psycopg.connect(dsn) as other:
                    other.execute("update items set price = 2")

        return app

    trace = play(factory, get("/"), dsn=postgres(0.25, seed_sql=SEED))
    assert trace.outcome.kind == "ran-away"
    assert trace.ended == 600_000_000


def test_a_blocking_driver_copies_and_hears_of_what_fails() -> None:
    def work(dsn: str) -> Any:
        with psycopg.connect(dsn, autocommit=True) as connection, connection.cursor() as cursor:
            with cursor.copy("copy items (name) from stdin") as copy:
                for number in range(100_000):
                    copy.write_row((f"a long name {number}",))
            with pytest.raises(psycopg.errors.DivisionByZero):
                cursor.execute("select 1 / 0")
            return len(cursor.execute("select * from items").fetchall())

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            return work(dsn)

        return app

    trace = play(factory, get("/"), dsn=postgres(0.25, seed_sql=SEED))
    assert results(trace) == [100_002]
    assert elapsed(trace) == [0.75]


def test_a_blocking_driver_gives_up_by_its_own_timeout() -> None:
    def work(dsn: str) -> Any:
        with psycopg.connect(dsn, autocommit=True) as connection:
            waits = time.monotonic()
            heard = list(connection.notifies(timeout=2.5))
            return [heard, time.monotonic() - waits]

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            return work(dsn)

        return app

    assert results(play(factory, get("/"), dsn=postgres(0.25))) == [[[], 2.5]]


def test_psycopg_prepares_at_the_sixth_time() -> None:
    """That takes a round trip more. In autocommit mode nothing else does."""

    async def often(pool: Any) -> list[float]:
        took = []
        async with pool.connection() as connection:
            for number in range(7):
                start = now()
                await connection.execute("select %s::int", (number,))
                took.append(round(now() - start, 6))
        return took

    pool = partial(with_psycopg, size=1, kwargs={"autocommit": True})
    trace = play(app_on(pool, often=often), get("/often"), dsn=postgres(0.25, 0.1))
    assert results(trace) == [[0.35] * 5 + [0.45, 0.35]]


@pytest.mark.parametrize("pool", [with_asyncpg, with_psycopg], ids=["asyncpg", "psycopg"])
def test_to_connect_takes_a_round_trip(pool: Pool) -> None:
    factory = app_on(partial(pool, size=1), q=fetch)
    assert play(factory, get("/q"), dsn=postgres(0.25, 0.1)).opened == 100_000
    assert play(factory, get("/q"), dsn=postgres(0.25)).opened == 0


# What takes time, and what does not


DATA = """
    create type mood as enum ('happy', 'sad'); create type pair as (x int, y mood);
    create table people (id int primary key, mood mood, moods mood[], pair pair, data json);
    insert into people values (1, 'happy', '{happy,sad}', '(1,sad)', '{"a": 1}');
    create table numbers as select n from generate_series(1, 25) n;
"""

Works = dict[str, tuple[float, Work]]
ASYNCPG: Works = {}
PSYCOPG: Works = {}
SQLALCHEMY: Works = {}


def takes(seconds: float, on: Works) -> Callable[[Work], Work]:
    """Say how long a piece of work takes, if each statement takes a second."""

    def note(work: Work) -> Work:
        on[work.__name__] = seconds, work
        return work

    return note


@takes(1, ASYNCPG)
async def a_query(pool: Any) -> Any:
    return await pool.fetchval("select $1::int + 1", 1)


@takes(2, ASYNCPG)
async def two_statements(pool: Any) -> Any:
    await pool.execute("update people set id = 1")
    return await pool.execute("delete from people where id = 7")


@takes(1, ASYNCPG)
async def several_in_one_text(pool: Any) -> Any:
    return await pool.execute("select 1; select 2; select 3")


@takes(1, ASYNCPG)
async def many_by_executemany(pool: Any) -> Any:
    await pool.executemany("insert into numbers values ($1)", [(n,) for n in range(100, 1100)])
    return (await pool.execute("reset all")) and 1000


@takes(0, ASYNCPG)
async def to_prepare(pool: Any) -> Any:
    async with pool.acquire() as connection:
        return len((await connection.prepare("select $1::int + 2")).get_parameters())


@takes(2, ASYNCPG)
async def prepared_and_run_twice(pool: Any) -> Any:
    async with pool.acquire() as connection:
        statement = await connection.prepare("select $1::int + 3")
        return [await statement.fetchval(number) for number in (1, 2)]


@takes(0, ASYNCPG)
async def transactions_and_settings(pool: Any) -> Any:
    async with pool.acquire() as connection:
        outer = connection.transaction(isolation="serializable")
        async with outer, connection.transaction():
            await connection.execute("set local work_mem to '1MB'")
            return await connection.fetchval("show work_mem")


@takes(1, ASYNCPG)
async def types_that_are_looked_up(pool: Any) -> Any:
    """Enums, arrays and composites of them."""
    row = await pool.fetchrow("select mood, moods, pair, data from people")
    return [row["mood"], row["moods"], list(row["pair"]), row["data"]]


@takes(3, ASYNCPG)
async def a_cursor_that_fetches_three_times(pool: Any) -> Any:
    async with pool.acquire() as connection, connection.transaction():
        sql = "select n from numbers where n <= 25 order by n"
        return [row["n"] async for row in connection.cursor(sql, prefetch=10)]


@takes(2, ASYNCPG)
async def copies(pool: Any) -> Any:
    rows = [(number,) for number in range(2000, 4000)]
    put = await pool.copy_records_to_table("numbers", records=rows)
    kept = bytearray()

    async def keep(data: bytes) -> None:
        kept.extend(data)

    got = await pool.copy_from_query("select n from numbers where n > 3990", output=keep)
    return [put, got, kept.decode()]


@takes(2, ASYNCPG)
async def a_copy_that_fails_in_the_middle(pool: Any) -> Any:
    rows = [(2, None, None, None, None), (1, None, None, None, None)]
    try:
        await pool.copy_records_to_table("people", records=rows)
    except asyncpg.UniqueViolationError as error:
        return [error.sqlstate, await pool.fetchval("select count(*) from people")]


@takes(2, ASYNCPG)
async def a_copy_that_is_refused(pool: Any) -> Any:
    """asyncpg sends the data at once, and the server ignores it."""
    try:
        await pool.copy_to_table("nowhere", source=io.BytesIO(b"1\n"))
    except asyncpg.UndefinedTableError as error:
        return [error.sqlstate, await pool.fetchval("select count(*) from people")]


@takes(2, ASYNCPG)
async def a_statement_that_fails(pool: Any) -> Any:
    try:
        await pool.fetchval("select 1 / $1::int", 0)
    except asyncpg.DivisionByZeroError as error:
        return [error.sqlstate, await pool.fetchval("select 'ünïcödé'")]


@takes(0, ASYNCPG)
async def codecs_of_types(pool: Any) -> Any:
    async with pool.acquire() as connection:
        await connection.set_type_codec(
            "json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )
        await connection.set_type_codec("mood", encoder=str, decoder=str.upper)


@takes(1, PSYCOPG)
async def a_query_with_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection:
        return await (await connection.execute("select %s::int + 1", (1,))).fetchone()


@takes(1, PSYCOPG)
async def many_by_executemany_with_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection, connection.cursor() as cursor:
        rows = [(n,) for n in range(100, 1100)]
        await cursor.executemany("insert into numbers values (%s)", rows)
        return cursor.rowcount


@takes(1, PSYCOPG)
async def executemany_that_returns(pool: Any) -> Any:
    async with pool.connection() as connection, connection.cursor() as cursor:
        sql = "insert into numbers values (%s) returning n"
        await cursor.executemany(sql, [(n,) for n in (-1, -2)], returning=True)
        found = [await cursor.fetchone()]
        while cursor.nextset():
            found.append(await cursor.fetchone())
        return found


@takes(3, PSYCOPG)
async def a_pipeline_of_three(pool: Any) -> Any:
    """The first two go together when the result of the first is asked for."""
    async with pool.connection() as connection, connection.pipeline():
        first = await connection.execute("select %s::int", (1,))
        second = await connection.execute("select %s::int", (2,))
        found = [await first.fetchone()]
        third = await connection.execute("select 3")
        return [*found, await second.fetchone(), await third.fetchone()]


@takes(1, PSYCOPG)
async def a_pipeline_that_fails(pool: Any) -> Any:
    try:
        async with pool.connection() as connection, connection.pipeline():
            await (await connection.execute("select 1 / 0")).fetchone()
    except psycopg.Error as error:
        return error.sqlstate


@takes(0, PSYCOPG)
async def transactions_with_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection:
        await connection.set_isolation_level(psycopg.IsolationLevel.SERIALIZABLE)
        async with connection.transaction(), connection.transaction():
            await connection.execute("set local work_mem to '1MB'")
        await connection.rollback()
        await connection.set_isolation_level(None)
        await AsyncConnectionPool.check_connection(connection)


@takes(1, PSYCOPG)
async def types_with_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection:
        mood = await EnumInfo.fetch(connection, "mood")
        pair = await CompositeInfo.fetch(connection, "pair")
        row = await (await connection.execute("select mood, pair, data from people")).fetchone()
        return [mood.labels, pair.field_names, row]


@takes(8, PSYCOPG)
async def what_is_prepared_after_five_times(pool: Any) -> Any:
    async with pool.connection() as connection:
        return [
            await (await connection.execute("select %s::int * 2", (n,))).fetchone()
            for n in range(8)
        ]


@takes(3, PSYCOPG)
async def a_named_cursor_that_fetches_three_times(pool: Any) -> Any:
    """DECLARE and CLOSE take nothing: the work is done when rows are fetched."""
    async with pool.connection() as connection, connection.cursor("mine") as cursor:
        cursor.itersize = 10
        await cursor.execute("select n from numbers where n between 1 and 25 order by n")
        return [row[0] async for row in cursor]


@takes(1, PSYCOPG)
async def a_stream_of_rows(pool: Any) -> Any:
    async with pool.connection() as connection, connection.cursor() as cursor:
        rows = cursor.stream("select n from numbers where n between 1 and 25 order by n")
        return [row[0] async for row in rows]


@takes(3, PSYCOPG)
async def copies_with_psycopg(pool: Any) -> Any:
    async with pool.connection() as connection, connection.cursor() as cursor:
        async with cursor.copy("copy numbers from stdin") as copy:
            for number in range(2000, 2100):
                await copy.write_row((number,))
        put = cursor.rowcount
        async with cursor.copy("copy numbers to stdout") as copy:
            assert len([row async for row in copy.rows()]) > 100
        sql = "copy (select n from numbers where n > %s) to stdout"
        async with cursor.copy(sql, (2090,)) as copy:
            return [put, [row async for row in copy.rows()]]


@takes(3, PSYCOPG)
async def copies_that_fail(pool: Any) -> Any:
    """One at a row in the middle, one because the client calls it off."""
    found = []
    for name in ("x", "y"):
        try:
            async with (
                pool.connection() as connection,
                connection.cursor() as cursor,
                cursor.copy("copy people (id) from stdin") as copy,
            ):
                for number in (11, 1, 12):
                    await copy.write_row((number,))
                if name == "y":
                    raise KeyError(name)
        except (psycopg.Error, KeyError) as error:
            found.append(getattr(error, "sqlstate", repr(error)))
    return [*found, await fetch(pool, "select count(*) from people")]


class Base(DeclarativeBase):
    pass


class Number(Base):
    __tablename__ = "counted"
    n: Mapped[int] = mapped_column(primary_key=True)


@takes(2, SQLALCHEMY)
async def tables_that_are_made(engine: Any) -> Any:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        await connection.execute(text("insert into counted values (-7)"))


@takes(3, SQLALCHEMY)
async def a_session(engine: Any) -> Any:
    """All rows go with one INSERT, and after a commit an object is read again."""
    async with AsyncSession(engine) as session, session.begin():
        session.add_all([Number(n=number) for number in range(100)])
    async with AsyncSession(engine) as session:
        number = await session.get_one(Number, 42)
        await session.commit()
        await session.refresh(number)
        return number.n


@takes(1, SQLALCHEMY)
async def a_savepoint(engine: Any) -> Any:
    async with engine.begin() as connection, connection.begin_nested():
        return (await connection.execute(text("select :n + 1"), {"n": 1})).scalar()


@takes(1, SQLALCHEMY)
async def many_at_once(engine: Any) -> Any:
    rows = [{"n": number} for number in range(200, 1200)]
    async with engine.begin() as connection:
        await connection.execute(text("insert into counted values (:n)"), rows)


@takes(1, SQLALCHEMY)
async def types_with_sqlalchemy(engine: Any) -> Any:
    async with engine.connect() as connection:
        row = (await connection.execute(text("select data, mood from people"))).one()
        return list(row)


TABLES = [
    pytest.param(with_asyncpg, ASYNCPG, id="asyncpg"),
    pytest.param(with_psycopg, PSYCOPG, id="psycopg"),
    pytest.param(POOLS["sqlalchemy-asyncpg"], SQLALCHEMY, id="sqlalchemy-asyncpg"),
    pytest.param(POOLS["sqlalchemy-psycopg"], SQLALCHEMY, id="sqlalchemy-psycopg"),
]


@pytest.mark.parametrize(("pool", "table"), TABLES)
def test_statements_of_the_learners_take_time_and_nothing_else_does(
    pool: Pool, table: Works
) -> None:
    """And what they return is what they return without a relay."""
    factory = app_on(partial(pool, size=2), **{name: work for name, (_, work) in table.items()})
    requests = [get(f"/{name}", at=10 * place) for place, name in enumerate(table)]
    trace = play(factory, requests, dsn=postgres(1, seed_sql=DATA))
    took = dict(zip(table, elapsed(trace), strict=True))
    assert took == {name: seconds for name, (seconds, _) in table.items()}
    assert results(trace) == asyncio.run(without_relay(partial(pool, size=2), table))


async def without_relay(pool: Pool, table: Works) -> Any:
    with lease(DATA) as held:
        async with pool(held.address.dsn) as opened:
            return json.loads(json.dumps([await work(opened) for _, work in table.values()]))


# What is called off, and what takes too long


async def patient_for(seconds: float, pool: Any, sql: str = "select 1") -> Any:
    """A statement with a limit set by asyncio, and then another one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await fetch(pool, sql)
    return await fetch(pool, "select 2")


@every_pool
def test_a_query_that_is_called_off_frees_its_connection_at_once(pool: Pool) -> None:
    """Even the only one of a pool: 0.1 until it is called off, 0.25 for the next one."""
    factory = app_on(partial(pool, size=1), q=partial(patient_for, 0.1))
    trace = play(factory, get("/q"), get("/q", at=1), dsn=postgres(0.25))
    assert elapsed(trace) == [0.35, 0.35]
    assert results(trace) == [2, 2]
    assert periods(trace, "statement") == [
        (0.0, 0.1, "cancelled"),
        (0.1, 0.35, "done"),
        (1.0, 1.1, "cancelled"),
        (1.1, 1.35, "done"),
    ]


def test_asyncpg_calls_a_query_off_by_its_own_timeout() -> None:
    async def impatient(pool: Any) -> str:
        try:
            return str(await pool.fetchval("select 1", timeout=0.1))
        except TimeoutError:
            return "timeout"

    factory = app_on(partial(with_asyncpg, size=1), q=impatient)
    trace = play(factory, get("/q"), dsn=postgres(0.25))
    assert (elapsed(trace), results(trace)) == ([0.1], ["timeout"])
    assert periods(trace, "statement") == [(0.0, 0.1, "cancelled")]


def test_asyncpg_calls_off_while_it_prepares() -> None:
    """Called off at 0.05. It syncs and resets, prepares the next one and queries: 0.1 each."""
    factory = app_on(partial(with_asyncpg, size=1), q=partial(patient_for, 0.05))
    trace = play(factory, get("/q"), dsn=postgres(0.25, 0.1))
    assert elapsed(trace) == [0.05 + 0.1 + 0.1 + 0.1 + 0.35 + 0.1 - 0.1]
    assert periods(trace, "statement") == [(0.35, 0.7, "done")]


def test_psycopg_calls_a_query_off_from_another_task() -> None:
    """At half a second, on the first of two connections; the other one is not disturbed."""

    async def two(pool: Any) -> Any:
        async def query(connection: Any) -> Any:
            try:
                return (await (await connection.execute("select 1")).fetchone())[0], now()
            except psycopg.errors.QueryCanceled as error:
                return error.sqlstate, now()

        async with pool.connection() as one, pool.connection() as other:
            queries = [asyncio.create_task(query(each)) for each in (one, other)]
            await asyncio.sleep(0.5)
            await one.cancel_safe()
            return await asyncio.gather(*queries)

    trace = play(app_on(with_psycopg, two=two), get("/two"), dsn=postgres(1))
    assert results(trace) == [[["57014", 0.5], [1, 1.0]]]
    assert periods(trace, "statement") == [(0.0, 0.5, "cancelled"), (0.0, 1.0, "done")]


def test_to_call_off_what_does_not_run_does_nothing() -> None:
    async def idle(pool: Any) -> Any:
        async with pool.connection() as connection:
            await connection.cancel_safe()
            return (await (await connection.execute("select 1")).fetchone())[0]

    trace = play(app_on(with_psycopg, idle=idle), get("/idle"), dsn=postgres(0.25))
    assert (results(trace), elapsed(trace)) == ([1], [0.25])


def test_a_pipeline_is_called_off() -> None:
    """Two statements have been carried out; the third is under way, and all are undone."""

    async def three(pool: Any) -> Any:
        async with pool.connection() as connection:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.6), connection.pipeline():
                    first = await connection.execute("insert into items default values")
                    await connection.execute("select 2")
                    assert first.statusmessage is None or first.statusmessage == "INSERT 0 1"
                    cursor = await connection.execute("select 3")
                    await (await connection.execute("select 4")).fetchone()
                    await cursor.fetchone()
            await connection.rollback()
        return await fetch(pool, "select count(*) from items")

    factory = app_on(partial(with_psycopg, size=1), q=three)
    trace = play(factory, get("/q"), dsn=postgres(0.25, seed_sql=SEED))
    assert results(trace) == [2]
    assert elapsed(trace) == [0.6 + 0.25]


def test_the_data_of_a_copy_is_called_off() -> None:
    """0.1 for BEGIN, 0.35 until the server asks for data, and 0.05 of the round trip with it."""

    async def put(pool: Any) -> Any:
        with suppress(TimeoutError):
            async with pool.connection() as connection, connection.cursor() as cursor:
                async with asyncio.timeout(0.5):
                    async with cursor.copy("copy items (name) from stdin") as copy:
                        await copy.write_row(("c",))
        return await fetch(pool, "select count(*) from items")

    factory = app_on(partial(with_psycopg, size=1), q=put)
    trace = play(factory, get("/q"), dsn=postgres(0.25, 0.1, seed_sql=SEED))
    assert results(trace) == [2]
    copied, counted = spans(trace, "statement")
    assert (copied.start.seconds, copied.end.seconds) == (0.2, 0.6)
    assert (copied.how, counted.how, copied.count) == ("cancelled", "done", 0)


async def keep_for(seconds: float, pool: Any) -> None:
    """Keep a connection without doing anything."""
    is_engine = not isinstance(pool, asyncpg.Pool | AsyncConnectionPool)
    async with acquired(pool, **({} if is_engine else {"timeout": 2})):
        await asyncio.sleep(seconds)


@pytest.mark.parametrize(
    ("pool", "error"),
    [
        (with_asyncpg, "TimeoutError"),
        (with_psycopg, "PoolTimeout"),
        (partial(with_engine, pool_timeout=2), "TimeoutError"),
        (partial(with_engine, pool_timeout=2, driver="psycopg"), "TimeoutError"),
    ],
    ids=POOLS,
)
def test_a_request_that_waits_for_a_connection_gives_up_after_exactly_two_seconds(
    pool: Pool, error: str
) -> None:
    async def wait(pool: Any) -> Any:
        start = now()
        try:
            await keep_for(9, pool)
        except Exception as caught:
            return type(caught).__name__, now() - start

    factory = app_on(partial(pool, size=1), q=wait)
    trace = play(factory, get("/q"), get("/q"), dsn=postgres(0.25))
    assert elapsed(trace) == [9.0, 2.0]
    assert results(trace) == [None, [error, 2.0]]


@pytest.mark.parametrize("pool", [with_asyncpg, with_psycopg], ids=["asyncpg", "psycopg"])
def test_a_call_that_the_server_cancels_calls_its_query_off(pool: Pool) -> None:
    """A client that hangs up does not: its request is served to the end."""
    factory = app_on(partial(pool, size=1), q=fetch)
    trace = play(
        factory,
        get("/q", cancelled_at=0.1),
        get("/q", at=1, hangs_up_at=0.1),
        get("/q", at=2),
        dsn=postgres(0.25),
    )
    assert trace.exchanges[2].elapsed == 0.25
    assert periods(trace, "statement") == [
        (0.0, 0.1, "cancelled"),
        (1.0, 1.25, "done"),
        (2.0, 2.25, "done"),
    ]


def test_a_statement_outlives_the_connection_that_sent_it() -> None:
    """The server looks at the client only when it has something to say."""

    async def abandon(pool: Any) -> None:
        connection = await pool.acquire()
        task = asyncio.create_task(connection.execute("update items set price = 5"))
        await asyncio.sleep(0.1)
        connection.terminate()
        with suppress(Exception):
            await task
        await pool.release(connection)
        await asyncio.sleep(1)

    read = "select price from items where id = 1"
    trace = play(
        app_on(partial(with_asyncpg, size=1), q=abandon),
        get("/q"),
        dsn=postgres(0.25, seed_sql=SEED, reads=[read]),
    )
    assert elapsed(trace) == [1.1]
    assert periods(trace, "statement") == [(0.0, 0.25, "done")]
    assert periods(trace, "connection")[0] == (0.0, 0.1, "done")
    assert trace.readings == {read: [{"price": 5}]}


# Transactions


def test_a_transaction_is_a_span_that_tells_how_it_ended() -> None:
    """With asyncpg; a savepoint is none."""

    async def three(pool: Any) -> None:
        async with pool.acquire() as connection:
            async with connection.transaction():
                await connection.execute("update items set price = 1 where id = 1")
                with suppress(KeyError):
                    async with connection.transaction():
                        await connection.execute("update items set price = 2 where id = 1")
                        raise KeyError
            with suppress(KeyError):
                async with connection.transaction():
                    await connection.execute("update items set price = 3 where id = 1")
                    raise KeyError
            await connection.execute("begin")
            await connection.execute("update items set price = 4 where id = 1")
            await connection.close()

    trace = play(
        app_on(partial(with_asyncpg, size=1), three=three),
        get("/three"),
        dsn=postgres(0.25, seed_sql=SEED, reads=["select price from items where id = 1"]),
    )
    assert periods(trace, "transaction") == [
        (0.0, 0.5, "done"),
        (0.5, 0.75, "failed"),
        (0.75, 1.0, "failed"),
    ]
    assert [*trace.readings.values()] == [[{"price": 1}]]
    assert {span.exchange for span in spans(trace, "transaction")} == {0}
    lines = [line_of(three, words) for words in ("transaction():", "KeyError)", '"begin"')]
    assert spans(trace, "transaction")[0].line == lines[0]
    assert spans(trace, "transaction")[2].line == lines[2]


def line_of(function: Callable[..., Any], words: str) -> int:
    """The line of a function of this file that first has these words in it."""
    source, first = inspect.getsourcelines(function)
    return first + next(number for number, line in enumerate(source) if words in line)


def test_psycopg_commits_or_rolls_back_when_it_gives_a_connection_back() -> None:
    async def good_and_bad(pool: Any) -> None:
        async with pool.connection() as connection:
            await connection.execute("update items set price = 1")
        with suppress(KeyError):
            async with pool.connection() as connection:
                await connection.execute("update items set price = 2")
                raise KeyError

    trace = play(
        app_on(with_psycopg, q=good_and_bad),
        get("/q"),
        dsn=postgres(0.25, seed_sql=SEED, reads=["select distinct price from items"]),
    )
    assert [span.how for span in spans(trace, "transaction")] == ["done", "failed"]
    assert [*trace.readings.values()] == [[{"price": 1}]]


@pytest.mark.parametrize(
    ("pool", "seconds"), [*zip(POOLS.values(), (0.75, 0.75, 0.5, 0.75), strict=True)], ids=POOLS
)
def test_after_an_error_a_transaction_takes_no_more_statements(pool: Pool, seconds: float) -> None:
    """With asyncpg, SQLAlchemy prepares each: what fails at that is not carried out at all."""

    async def go_on(pool: Any) -> Any:
        states = []
        async with acquired(pool) as connection:
            if isinstance(pool, asyncpg.Pool):  # the others begin by themselves
                await run(connection, "begin")
            for sql in ("select 1 / 0", "select 1"):
                try:
                    await run(connection, sql)
                except Exception as error:
                    states.append(getattr(error, "orig", error).sqlstate)
        return [*states, await fetch(pool)]

    trace = play(app_on(partial(pool, size=1), q=go_on), get("/q"), dsn=postgres(0.25))
    assert results(trace) == [["22012", "25P02", 1]]
    assert elapsed(trace) == [seconds]
    assert [span.how for span in spans(trace, "statement")][-2:] == ["failed", "done"]


def test_a_request_cancelled_in_a_transaction_leaves_its_locks_at_once() -> None:
    """The first has the row from 0.25 until it is called off at 1.0; then the second has it."""

    async def lock(pool: Any) -> float:
        with suppress(TimeoutError):
            async with pool.acquire() as connection, asyncio.timeout(1), connection.transaction():
                await connection.execute("select * from items where id = 1 for update")
                await asyncio.sleep(9)
        return now()

    async def wait(pool: Any) -> float:
        await pool.execute("update items set price = 1 where id = 1")
        return now()

    factory = app_on(with_asyncpg, lock=lock, wait=wait)
    trace = play(factory, get("/lock"), get("/wait", at=0.1), dsn=postgres(0.25, seed_sql=SEED))
    assert results(trace) == [1.0, 1.0]
    assert periods(trace, "transaction") == [(0.0, 1.0, "failed")]


# Locks


async def take_row(pool: Any) -> float:
    """Lock a row, and keep it for a second; when it was got."""
    async with acquired(pool) as connection:
        if isinstance(pool, asyncpg.Pool):
            await run(connection, "begin")
        await run(connection, "select * from items where id = 1 for update")
        got = now()
        await asyncio.sleep(1)
        await run(connection, "commit")
    return got


@every_pool
def test_a_row_is_locked_by_one_at_a_time(pool: Pool) -> None:
    """All ask for it at 0.25. Each keeps it for a second."""
    trace = play(
        app_on(pool, take=take_row), times(4, get("/take")), dsn=postgres(0.25, seed_sql=SEED)
    )
    assert results(trace) == [0.25, 1.25, 2.25, 3.25]
    assert elapsed(trace) == [1.25, 2.25, 3.25, 4.25]
    assert [span.end.seconds for span in spans(trace, "statement")] == [0.25, 1.25, 2.25, 3.25]


def test_the_first_to_ask_for_a_row_gets_it_first_every_time() -> None:
    """They ask in the order in which their requests come. Twenty plays are one like another."""
    requests = [get("/take", at=at) for at in (0.03, 0.02, 0.01)]
    what = postgres(0.25, seed_sql=SEED)
    traces = [play(app_on(with_asyncpg, take=take_row), requests, dsn=what) for _ in range(20)]
    assert results(traces[0]) == [2.26, 1.26, 0.26]
    assert len({encode(trace) for trace in traces}) == 1


def test_two_updates_of_a_row_are_made_one_after_the_other() -> None:
    async def add(pool: Any) -> str:
        return str(await pool.execute("update items set price = price + 1 where id = 1"))

    reads = ["select price from items where id = 1"]
    what = postgres(0.25, seed_sql=SEED, reads=reads)
    trace = play(app_on(with_asyncpg, add=add), times(5, get("/add")), dsn=what)
    assert elapsed(trace) == [0.25] * 5
    assert [*trace.readings.values()] == [[{"price": 5}]]


def test_an_update_is_lost_where_nothing_is_locked() -> None:
    """Both read at 0.25 and write at 0.5."""

    async def add(pool: Any) -> None:
        price = await pool.fetchval("select price from items where id = 1")
        await pool.execute("update items set price = $1 where id = 1", price + 1)

    reads = ["select price from items where id = 1"]
    what = postgres(0.25, seed_sql=SEED, reads=reads)
    trace = play(app_on(with_asyncpg, add=add), times(2, get("/add")), dsn=what)
    assert (elapsed(trace), [*trace.readings.values()]) == ([0.5, 0.5], [[{"price": 1}]])


def test_an_advisory_lock_is_freed_when_its_connection_is_closed() -> None:
    """Closing takes no time. What waits for the lock goes on at that moment."""

    async def lock(pool: Any) -> float:
        async with pool.acquire() as connection:
            await connection.execute("select pg_advisory_lock(1)")
            got = now()
            await asyncio.sleep(1)
            await connection.close()
        return got

    trace = play(app_on(with_asyncpg, lock=lock), times(3, get("/lock")), dsn=postgres(0.25))
    assert results(trace) == [0.25, 1.25, 2.25]


def test_an_update_that_was_not_committed_is_undone_when_its_connection_is_lost() -> None:
    """The scenario drops it in the middle of its second statement, at 0.25 + 0.125."""

    async def change(pool: Any) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("update items set price = 1 where id = 1")
            await connection.execute("select 'the end'")

    async def wait(pool: Any) -> float:
        await asyncio.sleep(0.01)
        await pool.execute("update items set price = price + 5 where id = 1")
        return now()

    trace = play(
        app_on(with_asyncpg, change=change, wait=wait),
        get("/change"),
        get("/wait"),
        dsn=postgres(
            0.25,
            seed_sql=SEED,
            reads=["select price from items where id = 1"],
            faults=[Fault(does="drop", matching="the end")],
        ),
    )
    assert (trace.exchanges[0].status, trace.exchanges[1].json()) == (500, 0.375)
    assert [*trace.readings.values()] == [[{"price": 5}]]


def test_a_lock_is_waited_for_until_patience_ends() -> None:
    """Two ask for it at 0.35, and are called off in the server at 1.1, both at once."""

    async def impatient(pool: Any) -> Any:
        try:
            await pool.execute("update items set price = 1 where id = 1", timeout=1)
        except TimeoutError:
            return now(), await pool.fetchval("select 5")

    trace = play(
        app_on(with_asyncpg, take=take_row, q=impatient),
        get("/take"),
        *times(2, get("/q", at=0.1)),
        dsn=postgres(0.25, seed_sql=SEED, reads=["select price from items where id = 1"]),
    )
    assert results(trace) == [0.25, [1.1, 5], [1.1, 5]]
    assert elapsed(trace) == [1.25, 1.25, 1.25]
    cancelled = [period for period in periods(trace, "statement") if period[2] == "cancelled"]
    assert cancelled == [(0.1, 1.1, "cancelled")] * 2
    assert [*trace.readings.values()] == [[{"price": 0}]]


def test_the_server_ends_a_deadlock_and_one_of_two_goes_on() -> None:
    """Each has what the other one wants at 0.5. Finding that out takes no virtual time."""

    def locks(*order: int) -> Work:
        async def lock(pool: Any) -> Any:
            try:
                async with pool.acquire() as connection, connection.transaction():
                    for number in order:
                        sql = "update items set price = 1 where id = $1"
                        await connection.execute(sql, number)
            except asyncpg.DeadlockDetectedError as error:
                return error.sqlstate

        return lock

    factory = app_on(with_asyncpg, one=locks(1, 2), other=locks(2, 1))
    trace = play(factory, get("/one"), get("/other"), dsn=postgres(0.25, seed_sql=SEED))
    assert sorted(results(trace), key=str) == ["40P01", None]
    assert elapsed(trace) == [0.5, 0.5]
    assert sorted(span.how for span in spans(trace, "transaction")) == ["done", "failed"]


def test_of_serializable_transactions_that_conflict_one_is_committed() -> None:
    async def add(pool: Any) -> Any:
        try:
            async with pool.acquire() as c, c.transaction(isolation="serializable"):
                total = await c.fetchval("select sum(price) from items")
                await c.execute("insert into items (price) values ($1)", total + 1)
        except asyncpg.SerializationError as error:
            return error.sqlstate

    what = postgres(0.25, seed_sql=SEED, reads=["select count(*) from items"])
    trace = play(app_on(with_asyncpg, add=add), times(3, get("/add")), dsn=what)
    assert results(trace) == [None, "40001", "40001"]
    assert elapsed(trace) == [0.5] * 3
    assert [*trace.readings.values()] == [[{"count": 3}]]


def test_a_lock_that_nobody_will_ever_free_is_being_stuck() -> None:
    """And it is told where the play hangs, which connections are open, and what goes on."""

    async def leak(pool: Any) -> None:
        connection = await pool.acquire()
        await connection.execute("begin")
        await connection.execute("update items set price = 1")

    async def wait(pool: Any) -> None:
        await asyncio.sleep(0.5)
        await pool.execute("update items set price = 2")

    factory = app_on(partial(with_asyncpg, size=2), leak=leak, wait=wait)
    trace = play(factory, get("/leak"), get("/wait"), dsn=postgres(0.25, seed_sql=SEED))
    assert trace.outcome.kind == "stuck"
    assert line_of(wait, "price = 2") in [waiting.line for waiting in trace.outcome.waiting]
    assert [span.how for span in spans(trace, "statement")] == ["done", "open"]
    assert [span.how for span in spans(trace, "transaction")] == ["open"]


def test_locks_of_two_databases_do_not_get_mixed_up() -> None:
    """Each is held for a second, first the one and then the other."""

    def factory(one: str, other: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> list[float]:
            got = []
            for dsn in (one, other):
                async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
                    got.append(await take_row(pool))
            return got

        return app

    both = {"one": postgres(0.25, seed_sql=SEED), "other": postgres(0.5, seed_sql=SEED)}
    trace = play(factory, times(2, get("/")), **both)
    # 0.25, then a second; 0.5, then a second. The second request comes a second later to both.
    assert results(trace) == [[0.25, 1.75], [1.25, 2.75]]
    assert {span.name for span in spans(trace, "statement")} == {"one", "other"}


# What goes wrong on order


@pytest.mark.parametrize("pool", [with_asyncpg, with_psycopg], ids=["asyncpg", "psycopg"])
def test_a_statement_fails_with_the_state_that_is_asked_for(pool: Pool) -> None:
    """It takes its time, and the connection is good afterwards; only what matches fails."""

    async def both(pool: Any) -> Any:
        found = []
        for sql in ("select 1", "SELECT 'This one'", "select 'this one'"):
            try:
                found.append(await fetch(pool, sql))
            except Exception as error:
                found.append((type(error).__name__, error.sqlstate, str(error).split("\n")[0]))
        return found

    fault = Fault(does="fail", sqlstate="40001", matching="this ONE")
    factory = app_on(partial(pool, size=1), q=both)
    trace = play(factory, get("/q"), dsn=postgres(0.25, faults=[fault]))
    name = {with_asyncpg: "SerializationError", with_psycopg: "SerializationFailure"}[pool]
    failure = [name, "40001", "the scenario lets this fail"]
    assert results(trace) == [[1, failure, "this one"]]
    assert elapsed(trace) == [0.75]
    assert [span.how for span in spans(trace, "statement")] == ["done", "failed", "done"]


def test_a_fault_may_wait_until_the_app_serves() -> None:
    """What the app does when it starts up is then not counted."""

    @asynccontextmanager
    async def pool(dsn: str) -> AsyncIterator[Any]:
        async with with_asyncpg(dsn) as made:
            await made.fetch("select 1")
            yield made

    fault = Fault(does="fail", when="serving")
    trace = play(app_on(pool, q=a_query), get("/q"), get("/q", at=1), dsn=postgres(faults=[fault]))
    assert [exchange.status for exchange in trace.exchanges] == [500, 200]


def test_a_failure_in_a_transaction_is_one_for_the_server_too() -> None:
    async def insert(pool: Any) -> str | None:
        async with pool.acquire() as connection:
            await connection.execute("begin")
            await connection.execute("insert into items default values")
            with suppress(asyncpg.PostgresError):
                await connection.execute("insert into items default values")
            await connection.execute("commit")

    what = postgres(
        0.25,
        seed_sql=SEED,
        reads=["select count(*) from items"],
        faults=[Fault(does="fail", at=2)],
    )
    trace = play(app_on(with_asyncpg, q=insert), get("/q"), dsn=what)
    assert [*trace.readings.values()] == [[{"count": 2}]]
    assert periods(trace, "transaction") == [(0.0, 0.5, "failed")]


@pytest.mark.parametrize(
    ("fault", "failed"),
    [
        (Fault(does="fail"), [0]),
        (Fault(does="fail", at=3), [2]),
        (Fault(does="fail", at=2, times=3), [1, 2, 3]),
        (Fault(does="fail", at=4, times=None), [3, 4, 5]),
        (Fault(does="fail", at=2, times=2, matching="odd"), [3, 5]),
        (Fault(does="fail", at=7), []),
    ],
)
def test_a_fault_comes_when_it_is_due_and_so_often(fault: Fault, failed: list[int]) -> None:
    async def six(pool: Any) -> list[int]:
        found = []
        for number in range(6):
            try:
                await pool.execute(f"select '{'odd' if number % 2 else 'even'}'")
            except asyncpg.PostgresError:
                found.append(number)
        return found

    trace = play(app_on(with_asyncpg, six=six), get("/six"), dsn=postgres(faults=[fault]))
    assert results(trace) == [failed]


async def say_what_fails(pool: Any) -> Any:
    try:
        return await fetch(pool)
    except Exception as error:
        return type(error).__name__, getattr(error, "sqlstate", None)


def test_a_connection_is_dropped_in_the_middle_of_a_statement() -> None:
    """After half of its time. The pool opens another one."""
    what = postgres(0.25, faults=[Fault(does="drop")])
    factory = app_on(partial(with_asyncpg, size=1), q=say_what_fails)
    trace = play(factory, get("/q"), get("/q", at=1), dsn=what)
    assert results(trace) == [["ConnectionDoesNotExistError", "08003"], 1]
    assert elapsed(trace) == [0.125, 0.25]
    assert periods(trace, "statement") == [(0.0, 0.125, "failed"), (1.0, 1.25, "done")]
    assert [span.how for span in spans(trace, "connection")] == ["failed", "done"]


def test_psycopg_sees_a_connection_that_is_dropped() -> None:
    what = postgres(0.25, faults=[Fault(does="drop")])
    factory = app_on(partial(with_psycopg, size=1), q=say_what_fails)
    trace = play(factory, get("/q"), get("/q", at=1), dsn=what)
    assert results(trace) == [["OperationalError", None], 1]
    assert elapsed(trace) == [0.125, 0.25]


@pytest.mark.parametrize(
    ("pool", "outcome"),
    [*zip(POOLS.values(), ("stuck", "ran-away", "stuck", "stuck"), strict=True)],
    ids=POOLS,
)
def test_a_statement_that_stalls_is_never_answered(pool: Pool, outcome: str) -> None:
    """With a limit, you are free when it is over; without one, you are stuck.

    psycopg's pool has a timer of its own, for connections that are idle for ten minutes. So it
    runs until the time limit.
    """
    what = postgres(0.25, faults=[Fault(does="stall")])
    patient = app_on(partial(pool, size=1), q=partial(patient_for, 3))
    assert elapsed(play(patient, get("/q"), dsn=what)) == [3.25]
    for_ever = scenario(get("/q"), dsn=what, time_limit=400)
    trace = play(app_on(partial(pool, size=1), q=fetch), for_ever)
    assert trace.outcome.kind == outcome
    assert [span.how for span in spans(trace, "statement")] == ["open"]


def connecting(connect: Callable[[str], Awaitable[Any]]) -> Factory:
    """An app that connects at each request, and says what became of that."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> Any:
            try:
                connection = await connect(dsn)
            except Exception as error:
                return f"{type(error).__name__} {getattr(error, 'sqlstate', None)}"
            await connection.close()
            return "connected"

        return app

    return factory


REFUSED = {
    "too-many": ("TooManyConnectionsError 53300", "OperationalError None"),
    "refuse": ("ConnectionDoesNotExistError 08003", "OperationalError None"),
}


@pytest.mark.parametrize("does", REFUSED)
@pytest.mark.parametrize(
    ("driver", "connect"), [(0, asyncpg.connect), (1, psycopg.AsyncConnection.connect)]
)
def test_a_connection_is_refused(driver: int, connect: Any, does: Any) -> None:
    what = postgres(0.25, faults=[Fault(does=does, at=2, times=2)])
    trace = play(connecting(connect), [get("/", at=at) for at in range(4)], dsn=what)
    refused = REFUSED[does][driver]
    assert results(trace) == ["connected", refused, refused, "connected"]
    assert len(spans(trace, "connection")) == 2


def test_faults_of_connections_are_counted_each_by_itself() -> None:
    faults = [Fault(does="refuse", at=1), Fault(does="too-many", at=2)]
    requests = [get("/", at=at) for at in range(3)]
    trace = play(connecting(asyncpg.connect), requests, dsn=postgres(faults=faults))
    assert results(trace) == [REFUSED["refuse"][0], REFUSED["too-many"][0], "connected"]


def test_a_server_that_refuses_all_is_not_there() -> None:
    what = postgres(faults=[Fault(does="refuse", times=None)])
    for connect, said in (
        (asyncpg.connect, "ConnectionRefusedError None"),
        (psycopg.AsyncConnection.connect, "OperationalError None"),
    ):
        assert results(play(connecting(connect), get("/"), dsn=what)) == [said]


# What is written down


def test_a_statement_tells_where_it_comes_from_and_what_it_was() -> None:
    async def two(pool: Any) -> None:
        async with pool.acquire() as connection:
            await connection.fetch("select * from items where id = any($1) and id < $2", [1], 5)
            await connection.executemany("insert into items (name) values ($1)", [("x",), ("y",)])

    trace = play(
        app_on(partial(with_asyncpg, size=1), two=two),
        get("/two"),
        get("/two", at=1),
        dsn=postgres(0.25, seed_sql=SEED),
    )
    texts = (
        "select * from items where id = any($1) and id < $2",
        "insert into items (name) values ($1)",
    )
    found = [(s.exchange, s.line, s.arguments, s.count) for s in spans(trace, "statement")]
    lines = line_of(two, "select * from items"), line_of(two, "executemany")
    assert found == [
        (exchange, line, (text, parameters), rows)
        for exchange in (0, 1)
        for line, text, parameters, rows in zip(lines, texts, (2, 1), (1, 2), strict=True)
    ]
    waits = {(s.exchange, s.line): s.task for s in spans(trace, "wait")}
    assert all(s.task == waits[s.exchange, s.line] for s in spans(trace, "statement"))
    assert {(s.name, s.resource) for s in spans(trace, "statement")} == {("dsn", 1)}


def test_psycopg_statements_tell_where_they_come_from_too() -> None:
    """libpq writes to the socket by itself, and Python does not see it."""

    async def many(pool: Any) -> None:
        async def one(number: int) -> None:
            async with pool.connection() as connection:
                await connection.execute("select %s::int", (number,))

        await asyncio.gather(*(one(number) for number in range(3)))

    trace = play(app_on(with_psycopg, many=many), times(2, get("/many")), dsn=postgres(0.25))
    line = line_of(many, "connection.execute")
    assert {(s.line, s.arguments) for s in spans(trace, "statement")} == {
        (line, ("select $1::int", 1))
    }
    assert sorted(span.exchange or 0 for span in spans(trace, "statement")) == [0] * 3 + [1] * 3
    assert len({span.task for span in spans(trace, "statement")}) == 6


def test_a_connection_belongs_to_the_request_that_opens_it() -> None:
    """One of a pool that is opened at the start belongs to none."""

    def factory(dsn: str) -> FastAPI:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            async with with_asyncpg(dsn, size=2) as app.state.pool:
                yield

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def endpoint() -> None:
            connection = await asyncpg.connect(dsn)
            await asyncio.sleep(1)
            await connection.close()

        return app

    trace = play(factory, get("/"), get("/", at=5), dsn=postgres(0.25))
    of_pool, _, first, second = spans(trace, "connection")
    assert (of_pool.exchange, of_pool.line) == (None, line_of(with_asyncpg, "async with"))
    assert (first.exchange, first.line) == (0, line_of(factory, "asyncpg.connect"))
    assert periods(trace, "connection")[2:] == [(0.0, 1.0, "done"), (5.0, 6.0, "done")]
    assert [span.resource for span in spans(trace, "connection")] == [1, 2, 3, 4]
    assert second.exchange == 1


def test_what_nobody_closes_is_open_in_the_end() -> None:
    """And what it has locked is read nevertheless, as it was before."""
    kept: list[Any] = []

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/")
        async def endpoint() -> None:
            kept.append(await asyncpg.connect(dsn))
            await kept[-1].execute("begin")
            await kept[-1].execute("truncate items")

        return app

    read = "select count(*) from items"
    trace = play(factory, get("/"), dsn=postgres(0.25, seed_sql=SEED, reads=[read]))
    assert [span.how for span in spans(trace, "connection")] == ["open"]
    assert [span.how for span in spans(trace, "transaction")] == ["open"]
    assert trace.readings == {read: [{"count": 2}]}
    kept[0].terminate()


def test_a_reading_of_what_is_gone_says_so() -> None:
    """That isn't the grader's fault: the play itself has dropped the table."""

    async def drop(pool: Any) -> None:
        await pool.execute("drop table items")

    reads = ["select * from items", "select 1 as one"]
    what = postgres(0.25, seed_sql=SEED, reads=reads)
    trace = play(app_on(with_asyncpg, q=drop), get("/q"), dsn=what)
    assert elapsed(trace) == [0.25]
    gone, there = [trace.readings[sql] for sql in reads]
    assert 'relation "items" does not exist' in gone
    assert there == [{"one": 1}]


# What else goes over the wire


@pytest.mark.parametrize("pool", [with_asyncpg, with_psycopg], ids=["asyncpg", "psycopg"])
def test_a_big_answer_and_a_big_parameter_take_no_longer_than_small_ones(pool: Pool) -> None:
    """Not even a millisecond passes while they are on their way."""

    async def big(pool: Any) -> Any:
        sql = "select g, repeat('x', 100) from generate_series(1, 50000) g"
        async with acquired(pool) as connection:
            async with asyncio.timeout(0.251):
                if isinstance(pool, asyncpg.Pool):
                    return len(await connection.fetch(sql))
                return len(await (await connection.execute(sql)).fetchall())

    async def long(pool: Any) -> Any:
        value = "ü" * 2_500_000
        async with acquired(pool) as connection:
            async with asyncio.timeout(0.251):
                if isinstance(pool, asyncpg.Pool):
                    return await connection.fetchval("select length($1::text)", value)
                cursor = await connection.execute("select length(%s)", (value,))
                return (await cursor.fetchone())[0]

    trace = play(app_on(pool, big=big, long=long), get("/big"), get("/long"), dsn=postgres(0.25))
    assert results(trace) == [50_000, 2_500_000]
    assert elapsed(trace) == [0.25, 0.25]
    assert [span.count for span in spans(trace, "statement")] == [50_000, 1]


def test_rows_are_read_as_slowly_as_the_client_likes() -> None:
    """The server is done with them; they wait on the way."""

    async def slow(pool: Any) -> list[float]:
        moments = []
        async with pool.connection() as connection, connection.cursor() as cursor:
            sql = "select g, repeat('x', 1000) from generate_series(1, 3000) g"
            async for number, _ in cursor.stream(sql):
                if number % 1000 == 0:
                    await asyncio.sleep(1)
                    moments.append(now())
        return moments

    trace = play(app_on(with_psycopg, slow=slow), get("/slow"), dsn=postgres(0.25))
    assert results(trace) == [[1.25, 2.25, 3.25]]


def test_asyncpg_hears_of_a_notification_at_once() -> None:
    async def hear(pool: Any) -> Any:
        heard: asyncio.Queue[str] = asyncio.Queue()

        def note(*told: Any) -> None:
            heard.put_nowait(told[-1])

        async with pool.acquire() as one, pool.acquire() as other:
            await one.add_listener("news", note)
            await asyncio.sleep(1)
            async with other.transaction():
                await other.execute("select pg_notify('news', 'good')")
                assert heard.empty()
            told = await heard.get(), now()
            await one.remove_listener("news", note)
        return told

    trace = play(app_on(with_asyncpg, hear=hear), get("/hear"), dsn=postgres(0.25))
    assert results(trace) == [["good", 1.5]]


def test_what_somebody_else_does_meanwhile_is_seen_and_heard_of_at_its_moment() -> None:
    async def watch(pool: Any) -> Any:
        heard: asyncio.Queue[float] = asyncio.Queue()
        async with pool.acquire() as connection:

            def note(*told: Any) -> None:
                heard.put_nowait(now())

            await connection.add_listener("news", note)
            before = await connection.fetchval("select count(*) from items")
            told = await heard.get()
            after = await connection.fetchval("select count(*) from items")
            await connection.remove_listener("news", note)
        return [before, told, after]

    others = {1.5: "delete from items where id = 1; select pg_notify('news', '')"}
    trace = play(
        app_on(with_asyncpg, watch=watch),
        get("/watch"),
        dsn=postgres(0.25, seed_sql=SEED, meanwhile=others),
    )
    assert results(trace) == [[2, 1.5, 1]]


def test_somebody_else_does_not_wait_for_what_the_app_has_locked() -> None:
    async def lock(pool: Any) -> Any:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select 1 from items for update")
            await asyncio.sleep(2)
            return await connection.fetchval("select count(*) from items")

    others = postgres(0.25, seed_sql=SEED, meanwhile={1: "delete from items"})
    trace = play(app_on(with_asyncpg, lock=lock), get("/lock"), dsn=others)
    assert (results(trace), elapsed(trace)) == ([2], [2.5])


def listening(work: Work) -> Factory:
    """An app whose endpoint hands `work` a list of what a connection that listens hears."""

    def factory(dsn: str) -> FastAPI:
        app = FastAPI()

        @app.get("/", response_model=None)
        async def endpoint() -> Any:
            heard: list[Any] = []
            connection = await asyncpg.connect(dsn)
            connection.add_termination_listener(lambda _: heard.append(["lost", now()]))
            await connection.add_listener("news", lambda *told: heard.append([told[-1], now()]))
            await work(dsn, heard)
            return heard

        return app

    return factory


async def tries_again(dsn: str, heard: list[Any]) -> None:
    """Connect with both drivers, each second from 5 to 7."""
    await asyncio.sleep(5 - now())
    for _ in range(3):
        for connect in (asyncpg.connect, psycopg.AsyncConnection.connect):
            try:
                await (await connect(dsn)).close()
                heard.append(["connected", now()])
            except (OSError, psycopg.OperationalError) as error:
                heard.append([type(error).__name__, now()])
        await asyncio.sleep(1)


def test_in_an_outage_connections_are_lost_and_new_ones_refused_until_it_is_over() -> None:
    what = postgres(0.25, outages=[Outage(at=4, seconds=2.5)], meanwhile={1: "notify news, 'x'"})
    assert results(play(listening(tries_again), get("/"), dsn=what))[0] == [
        ["x", 1.0],
        ["lost", 4.0],
        *(["ConnectionRefusedError", 5.0], ["OperationalError", 5.0]),
        *(["ConnectionRefusedError", 6.0], ["OperationalError", 6.0]),
        *(["connected", 7.0], ["connected", 7.0]),
    ]


def test_an_outage_ends_statements_and_rolls_back() -> None:
    async def store(pool: Any) -> Any:
        async with pool.acquire() as connection:
            try:
                async with connection.transaction():
                    await connection.execute("delete from items")
                    await connection.execute("insert into items (name) values ('c')")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                return now()

    what = postgres(1.5, seed_sql=SEED, outages=[Outage(at=2, seconds=1)], reads=[NAMES])
    trace = play(app_on(with_asyncpg, store=store), get("/store"), dsn=what)
    assert results(trace) == [2.0]
    assert trace.readings == {NAMES: [{"name": "a"}, {"name": "b"}]}
    assert [how for _, _, how in periods(trace, "transaction")] == ["failed"]


NAMES = "select name from items order by id"


def test_an_outage_comes_at_a_moment_that_can_be_reached() -> None:
    with pytest.raises(UsageError, match="at=-1"):
        Outage(at=-1, seconds=2)


def test_a_connection_that_listens_hears_at_once_that_another_session_has_ended_it() -> None:
    async def wait(dsn: str, heard: list[Any]) -> None:
        await asyncio.sleep(3)

    ends = "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'"
    trace = play(listening(wait), get("/"), dsn=postgres(0.25, meanwhile={2: ends}))
    assert results(trace) == [[["lost", 2.0]]]
    assert periods(trace, "connection") == [(0.0, 2.0, "failed")]


def test_a_statement_says_how_often_it_was_carried_out() -> None:
    """One span, however often: to see what `executemany` does."""

    async def store(pool: Any) -> Any:
        await pool.executemany("insert into items (name) values ($1)", [("x",)] * 30)
        await pool.execute("insert into items (name) select 'y' from generate_series(1, 30)")

    trace = play(app_on(with_asyncpg, store=store), get("/store"), dsn=postgres(seed_sql=SEED))
    assert [(s.count, s.times) for s in spans(trace, "statement")] == [(30, 30), (30, 1)]


def test_psycopg_hears_of_a_notification_at_once() -> None:
    async def hear(pool: Any) -> Any:
        async with pool.connection() as connection:
            await connection.set_autocommit(True)
            await connection.execute("listen news")
            heard = [(n.payload, now()) async for n in connection.notifies(timeout=9, stop_after=2)]
            await connection.execute("unlisten *")
            await connection.set_autocommit(False)
        return heard

    async def tell(pool: Any) -> None:
        for payload in ("good", "bad"):
            await asyncio.sleep(1)
            async with pool.connection() as connection:
                await connection.execute("select pg_notify('news', %s)", (payload,))

    trace = play(
        app_on(with_psycopg, hear=hear, tell=tell), get("/hear"), get("/tell"), dsn=postgres(0.25)
    )
    assert results(trace) == [[["good", 1.25], ["bad", 2.5]], None]


def test_a_session_that_ends_itself_is_not_the_graders_fault() -> None:
    async def end(pool: Any) -> Any:
        try:
            await fetch(pool, "select pg_terminate_backend(pg_backend_pid())")
        except Exception as error:
            return type(error).__name__, await fetch(pool)

    for pool, said in (
        (with_asyncpg, "ConnectionDoesNotExistError"),
        (with_psycopg, "AdminShutdown"),
    ):
        trace = play(app_on(partial(pool, size=1), end=end), get("/end"), dsn=postgres(0.25))
        assert results(trace) == [[said, 1]]
        assert trace.outcome.kind == "finished"
        assert spans(trace, "connection")[0].how == "failed"


def test_a_client_that_does_not_speak_sql_is_hung_up_on() -> None:
    def factory(dsn: str) -> FastAPI:
        app = FastAPI()
        port = int(dsn.rpartition(":")[2].partition("/")[0])

        @app.get("/")
        async def endpoint() -> str:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.decode()

        return app

    trace = play(factory, get("/"), dsn=postgres(0.25))
    assert results(trace) == [""]
    assert elapsed(trace) == [0.0]
    assert not trace.incidents


@every_pool
def test_a_play_that_is_played_again_gives_the_same_trace(pool: Pool) -> None:
    """To the tick, and within a tick in the same order."""

    async def work(pool: Any) -> Any:
        return await asyncio.gather(*(fetch(pool, f"select {n}") for n in range(4)))

    what = postgres(0.25, 0.1, seed_sql=SEED, reads=["select * from items"])
    factory = app_on(partial(pool, size=3), work=work, patient=partial(patient_for, 0.2))
    requests = [*times(2, get("/work")), get("/patient", at=0.4), get("/work", at=0.4)]
    traces = [play(factory, requests, dsn=what) for _ in range(3)]
    assert elapsed(traces[0])
    assert len({encode(trace) for trace in traces}) == 1


# What is not the learner's doing, and what is left behind


@pytest.fixture(scope="module")
def own_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("keeper")
    yield place
    with pytest.MonkeyPatch.context() as patch:
        kept_at(place, patch)
        stop()


def kept_at(place: Path, patch: pytest.MonkeyPatch) -> KeeperState:
    patch.delenv("DATABASE_URL", raising=False)
    patch.setenv("GRADER_STATE", str(place))
    return KeeperState.of_environment()


@pytest.fixture
def state(own_place: Path, monkeypatch: pytest.MonkeyPatch) -> KeeperState:
    """A keeper and a server of this module's own, to be harmed."""
    return kept_at(own_place, monkeypatch)


def server_of(state: KeeperState) -> int:
    (file,) = state.home.glob("postgres-*/postmaster.pid")
    return int(file.read_text().splitlines()[0])


def killing(whom: Callable[[Any], Awaitable[int]]) -> Factory:
    """An app that ends a connection between two queries, and says what became of the second."""

    async def kill(pool: Any) -> Any:
        await pool.fetchval("select 1")
        os.kill(await whom(pool), signal.SIGKILL)
        for _ in range(2):  # a keeper is missed when it is asked for something
            try:
                await pool.fetchval("select 1")
            except CUT_OFF:
                return "gone"
        return "here"

    return app_on(partial(with_asyncpg, size=1), kill=kill)


def test_a_server_that_dies_is_not_the_learners_fault(state: KeeperState) -> None:
    async def server(pool: Any) -> int:
        return server_of(state)

    trace = play(killing(server), get("/kill"), dsn=postgres(0.25, seed_sql=SEED))
    assert trace.outcome.kind == "grader-broke"
    assert trace.outcome.problem.startswith("The embedded PostgreSQL does not answer: ")
    assert "\nRun it again." in trace.outcome.problem
    assert play(app_on(with_asyncpg, q=fetch), get("/q"), dsn=postgres()).outcome.kind == "finished"


def test_a_process_of_the_servers_that_dies_is_not_the_learners_fault(state: KeeperState) -> None:
    """The server mends itself, soon or at once; but the play is void."""

    async def backend(pool: Any) -> int:
        pid: int = await pool.fetchval("select pg_backend_pid()")
        return pid

    trace = play(killing(backend), get("/kill"), dsn=postgres(0.25, seed_sql=SEED))
    assert trace.outcome.kind == "grader-broke"
    assert "\nRun it again." in trace.outcome.problem
    assert play(app_on(with_asyncpg, q=fetch), get("/q"), dsn=postgres()).outcome.kind == "finished"


def test_a_keeper_that_dies_is_not_the_learners_fault(state: KeeperState) -> None:
    """Without it nobody can tell who waits for a lock, and nothing can be read in the end."""

    async def keeper(pool: Any) -> int:
        return held_by(state.lock) or 0

    reads = ["select * from items"]
    what = postgres(0.25, seed_sql=SEED, reads=reads)
    trace = play(killing(keeper), get("/kill"), dsn=what)
    assert trace.outcome.kind == "grader-broke"
    assert "keeper went away in the middle of a play" in trace.outcome.problem
    assert trace.outcome.problem.endswith("\nRun it again.")


def test_a_server_that_cannot_be_asked_about_locks_ends_the_play(
    state: KeeperState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the clock would be held for ever."""

    async def kill(pool: Any) -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("select * from items where id = 1 for update")
            os.kill(held_by(state.lock) or 0, signal.SIGKILL)
            await asyncio.sleep(9)

    factory = app_on(with_asyncpg, kill=kill, take=take_row)
    trace = play(factory, get("/kill"), get("/take", at=1), dsn=postgres(0.25, seed_sql=SEED))
    assert trace.outcome.kind == "grader-broke"


CRASHING = """
import os
import socket
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=2, max_size=2) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/crash")
    async def crash():
        connection = await app.state.pool.acquire()
        await connection.execute("begin")
        name = await connection.fetchval("select current_database()")
        session = connection.get_server_pid()
        told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # a player writes no files
        told.sendto(f"{{name}} {{session}} {{os.getpid()}}".encode(), {told!r})
        os._exit(7)

    @app.get("/count")
    async def count():
        await app.state.pool.execute("insert into items (name) values ('mine')")
        return await app.state.pool.fetchval("select count(*) from items")

    return app
"""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def test_a_play_that_crashes_leaves_nothing_behind(worker: Worker, tmp_path: Path) -> None:
    """No process, and no session in the server. Its database is made new, as after any play."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "told"))
    told.setblocking(False)  # a play that told nothing fails the test, and does not hang it
    source = CRASHING.format(told=told.getsockname())
    performer = FilePlayer(worker, source, "/nowhere/exercise.py")
    what = scenario(get("/crash"), dsn=postgres(0.25, seed_sql=SEED))
    with told, lease() as other:
        outcome = Subject(performer, "exercise_1").play(what).outcome
        performer.close()
        name, session, pid = told.recv(100).decode().split()
        assert (outcome.kind, outcome.detail) == ("process-died", Exited(7))
        assert name.startswith("course_play_")

        def left() -> list[Any]:
            return other.rows(f"select from pg_stat_activity where pid = {session}")

        eventually(lambda: not left())
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_plays_in_two_processes_do_not_meet(worker: Worker) -> None:
    source = CRASHING.format(told="nowhere")
    performers = [FilePlayer(worker, source, "/nowhere/exercise.py") for _ in range(2)]
    what = scenario(get("/count"), dsn=postgres(0.25, seed_sql=SEED, reads=["table items"]))
    for performer in performers:
        performer.start("exercise_1", what)
    one, other = [performer.finish() for performer in performers]
    for performer in performers:
        performer.close()
    assert (results(one), elapsed(one)) == ([3], [0.5])
    assert encode(one) == encode(other)


def test_plays_in_two_threads_do_not_meet() -> None:
    async def count(pool: Any) -> Any:
        await pool.execute("insert into items (name) values ('mine')")
        return await pool.fetchval("select count(*) from items")

    what = scenario(get("/count"), dsn=postgres(0.25, seed_sql=SEED))
    with ThreadPoolExecutor(2) as threads:
        factory = app_on(with_asyncpg, count=count)
        one, other = threads.map(lambda _: play(factory, what), range(2))
    assert (results(one), elapsed(one)) == ([3], [0.5])
    assert encode(one) == encode(other)


# A server of the user's own


PASSWORD = "s3 cret/ü:@"


@pytest.fixture(scope="module")
def users_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server on TCP, with a password."""
    home = tmp_path_factory.mktemp("users")
    programs, data, password = find_programs()[0], home / "data", home / "password"
    password.write_text(PASSWORD)
    data.mkdir(mode=0o700)
    own(data)
    options: dict[str, Any] = {"preexec_fn": child_setup(), "cwd": "/"}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    making = ["-U", "me", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
    making += ["--pwfile", str(password)]
    running = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    running += ["-c", "unix_socket_directories="]
    initdb = [programs / "initdb", "-D", data, *making]
    subprocess.run(initdb, check=True, capture_output=True, **options)
    postgres = [programs / "postgres", "-D", data, *running]
    server = subprocess.Popen(postgres, stderr=subprocess.DEVNULL, **options)
    try:
        eventually(lambda: is_ready(data, server.pid))
        yield port
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(PATIENCE)


@pytest.fixture
def with_users_server(
    users_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Makes plays use the user's server, at this port and with these options."""
    monkeypatch.setenv("GRADER_STATE", str(tmp_path))

    def use(port: int = users_port, host: str = "127.0.0.1", options: str = "") -> None:
        url = f"postgresql://me:{quote(PASSWORD, safe='')}@{host}:{port}/postgres{options}"
        monkeypatch.setenv("DATABASE_URL", url)

    yield use
    stop()


def test_a_server_of_the_users_own_is_played_with(
    with_users_server: Callable[..., None],
) -> None:
    """Over TCP, by its name, and with a password that the drivers themselves prove they have."""
    with_users_server(host="localhost")
    for pool in (with_asyncpg, with_psycopg):
        trace = play(
            app_on(partial(pool, size=2), q=fetch, patient=partial(patient_for, 0.1)),
            times(4, get("/q")),
            get("/patient", at=1),
            dsn=postgres(0.25, reads=["select 5 as five"]),
        )
        assert elapsed(trace) == [0.25] * 2 + [0.5] * 2 + [0.35]
        assert trace.readings == {"select 5 as five": [{"five": 5}]}


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs openssl to make a certificate")
    made = tmp_path / "both.pem"
    command = f"req -new -x509 -nodes -newkey rsa:2048 -subj /CN=x -keyout {made} -out {tmp_path}/c"
    subprocess.run([program, *command.split()], check=True, capture_output=True)
    made.write_text(made.read_text() + (tmp_path / "c").read_text())
    return made


def test_a_server_that_wants_tls_is_played_with(
    users_port: int, certificate: Path, with_users_server: Callable[..., None]
) -> None:
    """The drivers speak to the relay without; a stand-in takes it off before the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    sessions = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == ASKS_FOR_TLS
        writer.write(b"S")
        await writer.start_tls(context)
        sessions.append(writer)
        there = await asyncio.open_connection("127.0.0.1", users_port)
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    async def serve() -> None:
        server = await asyncio.start_server(meet, "127.0.0.1", 0)
        port.append(server.sockets[0].getsockname()[1])
        started.set()
        while not ended.is_set():
            await asyncio.sleep(0.01)
        server.close()

    port: list[int] = []
    started, ended = threading.Event(), threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait()
    try:
        with_users_server(port[0], options="?sslmode=require")
        factory = app_on(partial(with_psycopg, size=2), q=fetch)
        trace = play(factory, times(4, get("/q")), dsn=postgres(0.25))
        assert elapsed(trace) == [0.25] * 2 + [0.5] * 2
        assert len(sessions) > 2
    finally:
        stop()
        ended.set()
        thread.join()
