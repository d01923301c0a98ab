import asyncio
import logging
from contextlib import asynccontextmanager

import psycopg
from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
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
        async with pool.connection() as conn:
            cursor = await conn.execute(query, values)
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(404, "unknown")
        return row

    @app.get("/stock/{sku}")
    async def read(sku: str):
        for attempt in range(3):
            try:
                return await one_row("SELECT sku, quantity FROM stock WHERE sku = %s", [sku])
            except psycopg.OperationalError as error:
                if attempt == 2:
                    raise HTTPException(503, "lost") from error
                await asyncio.sleep(0.1 * 2**attempt)
            except psycopg.Error as error:
                log.exception("the query failed")
                raise HTTPException(500, "failed") from error

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
