import asyncio
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=5, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def one(sql, *args):
        try:
            async with asyncio.timeout(1):
                return await app.state.pool.fetchrow(sql, *args)
        except TimeoutError:
            raise HTTPException(503, headers={"Retry-After": "1"})

    @app.post("/orders/{id}/price")
    async def price(id: int):
        row = await one("select item from orders where id = $1", id)
        if row is None:
            raise HTTPException(404)
        total = await price_of(row["item"])
        await one("update orders set total = $2 where id = $1 returning id", id, total)
        return {"id": id, "total": total}

    return app
