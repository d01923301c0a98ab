import asyncio
import logging
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class Full(Exception):
    pass


class Lost(Exception):
    pass


class Change(BaseModel):
    change: int


class Stock:
    def __init__(self, pool):
        self.pool = pool

    async def row(self, statement, *values):
        try:
            connection = await asyncio.wait_for(self.pool.acquire(), 1)
        except TimeoutError:
            raise Full
        except OSError as error:
            raise Lost from error
        try:
            return await connection.fetchrow(statement, *values)
        except asyncpg.PostgresConnectionError as error:
            raise Lost from error
        finally:
            await self.pool.release(connection)


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=5, max_size=5) as pool:
            app.state.stock = Stock(pool)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(Full)
    async def full(request, error):
        return JSONResponse({"detail": "busy"}, 503, {"Retry-After": "1"})

    @app.exception_handler(Lost)
    async def lost(request, error):
        return JSONResponse({"detail": "lost"}, 503)

    @app.exception_handler(asyncpg.PostgresError)
    async def failed(request, error):
        logging.getLogger("day59").error("failed", exc_info=error)
        return JSONResponse({"detail": "failed"}, 500)

    def found(row):
        if not row:
            raise HTTPException(404)
        return {"sku": row["sku"], "quantity": row["quantity"]}

    @app.get("/stock/{sku}")
    async def read(sku: str):
        for pause in (0.1, 0.2):
            try:
                return found(await app.state.stock.row("SELECT * FROM stock WHERE sku=$1", sku))
            except Lost:
                await asyncio.sleep(pause)
        return found(await app.state.stock.row("SELECT * FROM stock WHERE sku=$1", sku))

    @app.post("/stock/{sku}")
    async def change(sku: str, body: Change):
        sql = "UPDATE stock SET quantity = quantity + $1 WHERE sku = $2 RETURNING *"
        return found(await app.state.stock.row(sql, body.change, sku))

    return app
