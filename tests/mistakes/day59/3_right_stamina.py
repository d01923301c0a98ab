import logging
from contextlib import asynccontextmanager

import psycopg
import stamina
from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from pydantic import BaseModel

log = logging.getLogger("day59")


class Change(BaseModel):
    change: int


def exercise_3(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=5, timeout=1, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def one_row(query, values):
        try:
            async with pool.connection() as conn:
                cursor = await conn.execute(query, values)
                row = await cursor.fetchone()
        except PoolTimeout as error:
            raise HTTPException(503, "busy", headers={"Retry-After": "1"}) from error
        if row is None:
            raise HTTPException(404, "unknown")
        return row

    @app.get("/stock/{sku}")
    async def read(sku: str):
        try:
            return await select(sku)
        except psycopg.OperationalError as error:
            raise HTTPException(503, "lost") from error
        except psycopg.Error as error:
            log.exception("the query failed")
            raise HTTPException(500, "failed") from error

    @stamina.retry(on=psycopg.OperationalError, attempts=3, wait_initial=0.1, wait_jitter=0)
    async def select(sku):
        return await one_row("SELECT sku, quantity FROM stock WHERE sku = %s", [sku])

    @app.post("/stock/{sku}")
    async def change(sku: str, body: Change):
        try:
            return await one_row(
                "UPDATE stock SET quantity = quantity + %s WHERE sku = %s RETURNING sku, quantity",
                [body.change, sku],
            )
        except psycopg.OperationalError as error:
            raise HTTPException(503, "lost") from error

    return app
