"""Day 57: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import json
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.responses import StreamingResponse
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Id = Annotated[int, Field(ge=-(2**31), lt=2**31)]
"""What fits into a column of type `int`. For anything else the driver raises an error."""


def exercise_1(dsn):
    """The pool lives as long as the app. `open=False` leaves the opening to `async with`, in the
    running loop; psycopg warns you where the constructor has to do it. A pool that is made in
    the endpoint is a new one for each request, and nothing closes it.

    Read: [A pool for the app](../../lessons/day57.md#a-pool-for-the-app).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with app.state.pool.connection() as conn:
            await conn.execute("SELECT 1")
        return {"ok": True}

    return app


def app_with_pool(dsn: str, size: int = 5) -> FastAPI:
    """An app with one asyncpg pool, from its start to its end, in `app.state.pool`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=size) as app.state.pool:
            yield

    return FastAPI(lifespan=lifespan)


MATCHING = "FROM users WHERE is_active AND position(lower($1) IN lower(username)) > 0"


def exercise_2(dsn):
    """Two statements, however many users there are: one counts, and one reads a page. A count
    in each row (`count(*) OVER ()`) has nowhere to go when the page is empty. `position`
    looks for plain text. In `ILIKE`, the `%` and `_` of a search would be wildcards unless you
    escape them. Values go to the server beside the statement, never into it.

    Read: [Values and pages](../../lessons/day57.md#values-and-pages).
    """
    app = app_with_pool(dsn)

    @app.get("/users")
    async def users(
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = "",
    ):
        before = min((page - 1) * results_per_page, 2**63 - 1)  # the largest OFFSET there is
        async with app.state.pool.acquire() as conn:
            total = await conn.fetchval(f"SELECT count(*) {MATCHING}", search)
            rows = await conn.fetch(
                f"SELECT id, username, email {MATCHING} ORDER BY id LIMIT $2 OFFSET $3",
                search,
                results_per_page,
                before,
            )
        return {"total": total, "results": [dict(row) for row in rows]}

    return app


def exercise_3(dsn, price_of):
    """A connection is held for each of the two statements, and not during the call between
    them: `price_of` takes seconds, and five slow prices would stop everyone else. Only
    `acquire(timeout=...)` limits the wait for a connection; the timeout of `create_pool` is for
    opening one. The `try` is around `acquire` alone. Around more than that, it would mistake a
    `TimeoutError` of `price_of` for a full pool.

    Read: [Waiting for a connection](../../lessons/day57.md#waiting-for-a-connection).
    """
    app = app_with_pool(dsn)

    @asynccontextmanager
    async def connection():
        try:
            conn = await app.state.pool.acquire(timeout=1)
        except TimeoutError as error:
            raise HTTPException(503, "busy", {"Retry-After": "1"}) from error
        try:
            yield conn
        finally:
            await app.state.pool.release(conn)

    @app.post("/orders/{id}/price")
    async def price(id: Id):
        async with connection() as conn:
            item = await conn.fetchval("SELECT item FROM orders WHERE id = $1", id)
        if item is None:
            raise HTTPException(404, "no such order")
        total = float(await price_of(item))
        async with connection() as conn:
            await conn.execute("UPDATE orders SET total = $2 WHERE id = $1", id, total)
        return {"id": id, "total": total}

    return app


class Transfer(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    source: Annotated[Id, Field(alias="from")]
    target: Annotated[Id, Field(alias="to")]
    amount: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def goes_elsewhere(self):
        if self.source == self.target:
            raise ValueError("a transfer goes to another account")
        return self


def exercise_4(dsn):
    """Both rows are locked before either is looked at, and always in the order of their ids.
    Otherwise, two transfers that cross each hold what the other waits for, and PostgreSQL ends
    one of them with an error. What you read without a lock may have changed when you write: read
    with `FOR UPDATE`, then decide.

    Read: [Transactions and locks](../../lessons/day57.md#transactions-and-locks).
    """
    app = app_with_pool(dsn)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        pair = [transfer.source, transfer.target]
        async with app.state.pool.acquire() as conn, conn.transaction():
            rows = await conn.fetch(
                "SELECT id, balance FROM accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE", pair
            )
            balances = {row["id"]: row["balance"] for row in rows}
            if len(balances) < 2:
                raise HTTPException(404, "no such account")
            if balances[transfer.source] < transfer.amount:
                raise HTTPException(409, "not enough money")
            await conn.execute(
                "UPDATE accounts"
                " SET balance = balance + CASE id WHEN $1 THEN -$3::int ELSE $3::int END"
                " WHERE id IN ($1, $2)",
                *pair,
                transfer.amount,
            )
        return transfer.model_dump(by_alias=True)

    return app


class NewBook(BaseModel):
    author_id: Id
    title: str


def exercise_5(dsn):
    """A query for each author is a round trip for each: a hundred authors, a hundred waits. Two
    queries and a dict do the same. The import is one statement, in which `unnest` turns two lists
    into rows. Because it is one, all of it happens or nothing. `executemany` would carry out ten
    thousand.

    Read: [One query in place of many](../../lessons/day57.md#one-query-in-place-of-many).
    """
    app = app_with_pool(dsn)

    @app.get("/authors")
    async def authors():
        async with app.state.pool.acquire() as conn:
            authors = await conn.fetch("SELECT id, name FROM authors ORDER BY id")
            books = await conn.fetch("SELECT id, title, author_id FROM books ORDER BY id")
        by_author = defaultdict(list)
        for book in books:
            by_author[book["author_id"]].append({"id": book["id"], "title": book["title"]})
        return [dict(author) | {"books": by_author[author["id"]]} for author in authors]

    @app.post("/books/import", status_code=201)
    async def add(books: Annotated[list[NewBook], Field(min_length=1, max_length=10_000)]):
        try:
            async with app.state.pool.acquire() as conn:
                await conn.execute(
                    "INSERT INTO books (author_id, title)"
                    " SELECT * FROM unnest($1::int[], $2::text[])",
                    [book.author_id for book in books],
                    [book.title for book in books],
                )
        except asyncpg.ForeignKeyViolationError as error:
            raise HTTPException(409, "an author is unknown") from error
        return {"count": len(books)}

    return app


EXPORTS, BATCH = 3, 100
READINGS = "SELECT id, sensor, value FROM readings ORDER BY id"


def exercise_6(dsn):
    """A cursor reads in batches, within a transaction, and all its batches come from the one
    snapshot of its statement. Slot, connection and cursor are a dependency in the default scope,
    which ends with the response, *however* that ends. A slot that the endpoint takes and the
    generator frees is lost when the client leaves before the first line: a generator that was
    never started has no `finally` to run. The slot is taken before the response begins, because
    after that it is too late for a 503.

    `asyncio.timeout` is around the wait for a connection *and* the query. When it cancels the
    query, asyncpg asks the server to stop the statement, and the connection is good again.

    Read: [Cursors and cancelling](../../lessons/day57.md#cursors-and-cancelling).
    """
    app = app_with_pool(dsn)
    slots = asyncio.Semaphore(EXPORTS)

    async def readings():
        if slots.locked():
            raise HTTPException(503, "too many exports", {"Retry-After": "5"})
        async with slots, app.state.pool.acquire() as conn, conn.transaction():
            yield await conn.cursor(READINGS)

    @app.get("/export")
    async def export(cursor: Annotated[Any, Depends(readings)]):
        async def lines():
            while rows := await cursor.fetch(BATCH):
                yield "".join(json.dumps(dict(row)) + "\n" for row in rows)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.get("/report")
    async def report():
        try:
            async with asyncio.timeout(2):
                async with app.state.pool.acquire() as conn:
                    return {"total": await conn.fetchval("SELECT total FROM slow_report")}
        except TimeoutError as error:
            raise HTTPException(504, "the report takes too long") from error

    return app
