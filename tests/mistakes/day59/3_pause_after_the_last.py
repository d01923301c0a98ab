import asyncio
from contextlib import asynccontextmanager

import asyncpg
from fastapi import Body, FastAPI, HTTPException

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    OSError,
    asyncpg.exceptions.AdminShutdownError,
)


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, max_size=5, min_size=1) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def one(sql, *values):
        try:
            async with app.state.pool.acquire(timeout=1) as conn:
                return await conn.fetchrow(sql, *values)
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "1"})

    @app.get("/stock/{sku}")
    async def read(sku: str):
        for pause in (0.1, 0.2, 0.4):
            try:
                row = await one("select sku, quantity from stock where sku = $1", sku)
                break
            except LOST:
                await asyncio.sleep(pause)
        else:
            raise HTTPException(503)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.post("/stock/{sku}")
    async def write(sku: str, change: int = Body(embed=True)):
        try:
            row = await one(
                "update stock set quantity = quantity + $1 where sku = $2 returning sku, quantity",
                change,
                sku,
            )
        except LOST:
            raise HTTPException(503)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    return app
