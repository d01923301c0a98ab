"""Day 53: the reference answers. What the grader expects is measured on this file."""

import asyncio
import json
import logging
import time
from contextlib import asynccontextmanager

import asyncpg
from fastapi import BackgroundTasks, FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


def exercise_1(compute=lambda: time.sleep(2)):
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


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
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
        # One statement reads and writes the row: nobody can come in between.
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
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            async for row in read_rows():
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app


def exercise_8(connect):
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
