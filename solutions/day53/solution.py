"""Day 53: the reference answers. What the grader expects is measured on this file.

Each docstring says why the answer is written like that. `grade solution` shows it.
"""

import asyncio
import json
import logging
import time
from contextlib import asynccontextmanager

import asyncpg
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


def exercise_0(fetch_greeting, fetch_name):
    """Calling `fetch_greeting()` makes a coroutine and runs nothing; `await` runs it. `time.sleep`
    keeps the loop until it is over, and `await asyncio.sleep` gives it to the others. Two `await`s
    in a row wait in turn; `gather` starts both fetches before it waits.

    Read: [Async/await syntax](../../lessons/day53.md#asyncawait-syntax).
    """
    app = FastAPI()

    @app.get("/greeting")
    async def greeting():
        return await fetch_greeting()

    @app.get("/pause")
    async def pause():
        await asyncio.sleep(2)
        return "over"

    @app.get("/both")
    async def both():
        return await asyncio.gather(fetch_greeting(), fetch_name())

    return app


def exercise_1(compute=lambda: time.sleep(2)):
    """Three of the endpoints only wait, so they become `async def` with a sleep that can be
    awaited. `async def` around `time.sleep` would be worse than the `def` that you began with: on
    the loop it holds up every other request. Nothing in /compute can be awaited, so it stays
    `def`: FastAPI runs it in a thread, and the loop stays free.

    Read: [Blocking the loop](../../lessons/day53.md#blocking-the-loop).
    """
    app = FastAPI()

    @app.get("/users")
    async def users():
        await asyncio.sleep(1)
        return {"users": ["Ada", "Grace"]}

    @app.get("/products")
    async def products():
        await asyncio.sleep(0.5)
        return {"products": ["keyboard", "screen"]}

    @app.get("/orders")
    async def orders():
        await asyncio.sleep(0.8)
        return {"orders": [1, 2, 3]}

    # Blocking work stays in `def`: FastAPI gives it a thread, and the loop stays free.
    @app.get("/compute")
    def run_compute():
        return {"result": compute()}

    return app


def exercise_2(fetch_user, fetch_orders, fetch_stats):
    """All three fetches are under way before the first of them is awaited, so the dashboard
    takes as long as the slowest. `asyncio.gather` is as fast, but when one fetch fails it raises
    the error and leaves the others running, for a client that has its answer already. A
    `TaskGroup` cancels them and waits until they have ended. What comes out of it is an exception
    *group*, which a plain `except ConnectionError` doesn't catch; `except*` does.

    Read: [When one of them fails](../../lessons/day53.md#when-one-of-them-fails).
    """
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        # A TaskGroup cancels the others when one fails; gather would leave them running.
        try:
            async with asyncio.TaskGroup() as group:
                user = group.create_task(fetch_user())
                orders = group.create_task(fetch_orders())
                stats = group.create_task(fetch_stats())
        except* Exception:
            raise HTTPException(502, "the dashboard's data could not be fetched") from None
        return {"user": user.result(), "orders": orders.result(), "stats": stats.result()}

    return app


def exercise_3(dsn):
    """One pool is made when the app starts, and lends a connection to each statement. A single
    connection does one thing at a time, and a pool in each endpoint would open connections that
    are never closed. It looks natural to read an item, change it in Python and write it back, but
    when two clients do so at once, one change is lost. A single `UPDATE` with `coalesce` and
    `RETURNING` leaves no gap. The values travel as `$1` and `$2`, so no name is read as SQL.

    Read: [Two updates at once](../../lessons/day53.md#two-updates-at-once).
    """

    class Item(BaseModel):
        name: str
        price: float

    class Change(BaseModel):
        name: str | None = None
        price: float | None = None

    @asynccontextmanager
    async def lifespan(app):
        # One pool for the life of the app. Leaving the block closes it.
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    def found(row):
        if row is None:
            raise HTTPException(404, "there is no such item")
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        # $1 and $2 travel beside the statement: no value is ever read as SQL.
        row = await app.state.pool.fetchrow(
            "insert into items (name, price) values ($1, $2) returning id, name, price",
            item.name,
            item.price,
        )
        return dict(row)

    @app.get("/items")
    async def list_items():
        rows = await app.state.pool.fetch("select id, name, price from items order by id")
        return [dict(row) for row in rows]

    @app.get("/items/{id}")
    async def read(id: int):
        query = "select id, name, price from items where id = $1"
        return found(await app.state.pool.fetchrow(query, id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        # One statement reads and writes the row: no other request can come in between.
        query = """
            update items set name = coalesce($2, name), price = coalesce($3, price)
            where id = $1 returning id, name, price
        """
        return found(await app.state.pool.fetchrow(query, id, change.name, change.price))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        found(await app.state.pool.fetchrow("delete from items where id = $1 returning id", id))

    return app


def exercise_4(fetch):
    """`asyncio.timeout` limits the call as a whole, and cancels the fetch when time is up. The
    limit of an HTTP client doesn't replace it: that is for each step, so a server that sends a
    byte now and then can take an hour. An `HTTPException` is an `Exception`, too. It has a clause
    of its own above the last one, or its 404 would become a 502. And the detail is a sentence of
    your own, because `str(error)` may tell strangers about your servers.

    Read: [Timeouts](../../lessons/day53.md#timeouts).
    """
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError:
            raise HTTPException(504, "the service took too long") from None
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "the service failed") from None

    return app


def exercise_5(process):
    """`BackgroundTasks` runs the work when the answer is out, and a server that is asked to stop
    waits for it. `asyncio.create_task` looks simpler, but nothing holds that task: it may be
    collected halfway, and a server that stops doesn't wait for it. When the work fails, the client
    has its 202 already, so the log is the only place where you can see it. `log.exception` keeps
    the traceback.

    Read: [Background tasks](../../lessons/day53.md#background-tasks).
    """
    app = FastAPI()
    log = logging.getLogger("day53")

    async def process_and_log(data):
        try:
            await process(data)
        except Exception:
            log.exception("processing failed")
        else:
            log.info("processing is done")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(process_and_log, data)
        return {"status": "accepted"}

    return app


def exercise_6(sources):
    """With `return_exceptions=True` each failure comes back as a value, in its place among the
    results. Without it, `gather` would raise the first error and lose what the others returned. A
    `TaskGroup` would even cancel them, which is right for the dashboard, where you want all or
    nothing, and wrong here. A loop with a `try` around each `await` loses nothing, but asks one
    source after the other.

    Read: [Partial failures](../../lessons/day53.md#data-api-example-partial-failures).
    """
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        answers = await asyncio.gather(
            *(fetch() for fetch in sources.values()), return_exceptions=True
        )
        results, errors = {}, {}
        for name, answer in zip(sources, answers, strict=True):
            if isinstance(answer, Exception):
                errors[name] = type(answer).__name__
            else:
                results[name] = answer
        return {"results": results, "errors": errors}

    return app


def exercise_7(read_rows):
    """The generator yields each row as soon as it has it, so the first line leaves at once, and
    memory holds one row. A list of all rows would be easier to return, but the client would see
    nothing before the last of them. Each line is JSON of its own, and can be used before the next
    one comes. There is no `except` around the loop: when the client hangs up, the generator is
    cancelled, and that has to come through.

    Read: [Streaming](../../lessons/day53.md#streaming).
    """
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            async for row in read_rows():
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app


def exercise_8(connect):
    """An error inside `async with` is raised at the `yield`, so the `finally` belongs around that.
    If `close()` just followed the query, the first query that fails would leak its connection.
    `connect()` comes before the `try`: what was never opened can't be closed. The context manager
    catches nothing, so no failure is taken for success. The endpoint turns it into a 502.

    Read: [Async context managers](../../lessons/day53.md#async-context-managers).
    """
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with connection() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "the query failed") from None

    return app
