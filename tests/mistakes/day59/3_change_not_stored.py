import asyncio
import logging
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

log = logging.getLogger("day59")


class Change(BaseModel):
    change: int


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=2, max_size=5)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def run(query, *values):
        pool = app.state.pool
        try:
            conn = await pool.acquire(timeout=1)
        except TimeoutError:
            raise HTTPException(503, "busy", headers={"Retry-After": "2"})
        try:
            row = await conn.fetchrow(query, *values)
        finally:
            await pool.release(conn)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.get("/stock/{sku}")
    async def read(sku: str):
        for pause in (0.1, 0.2, None):
            try:
                return await run("SELECT sku, quantity FROM stock WHERE sku = $1", sku)
            except (asyncpg.PostgresConnectionError, ConnectionError):
                if pause is None:
                    raise HTTPException(503, "no connection")
                await asyncio.sleep(pause)
            except asyncpg.PostgresError:
                log.exception("cannot read %s", sku)
                raise HTTPException(500)

    @app.post("/stock/{sku}")
    async def change(sku: str, change: Change):
        try:
            old = await run("SELECT sku, quantity FROM stock WHERE sku = $1", sku)
            return old | {"quantity": old["quantity"] + change.change}
        except (asyncpg.PostgresConnectionError, ConnectionError):
            raise HTTPException(503, "no connection")

    return app
