from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def ask(sql, *values):
        try:
            return await app.state.pool.fetchrow(sql, *values, timeout=1)
        except TimeoutError:
            raise HTTPException(503, "busy", headers={"Retry-After": "1"}) from None

    @app.post("/orders/{id}/price")
    async def price(id: int):
        found = await ask("SELECT item FROM orders WHERE id = $1", id)
        if found is None:
            raise HTTPException(404, "no such order")
        total = await price_of(found["item"])
        await ask("UPDATE orders SET total = $1 WHERE id = $2", total, id)
        return {"id": id, "total": total}

    return app
