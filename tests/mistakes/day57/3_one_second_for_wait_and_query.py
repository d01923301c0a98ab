import asyncio
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def ask(sql, *values):
        try:
            return await asyncio.wait_for(app.state.pool.fetchrow(sql, *values), 1)
        except TimeoutError:
            raise HTTPException(503, "busy", headers={"Retry-After": "1"}) from None

    @app.post("/orders/{id}/price")
    async def price(id: int):
        row = await ask("SELECT item FROM orders WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such order")
        total = await price_of(row["item"])
        await ask("UPDATE orders SET total = $1 WHERE id = $2", total, id)
        return {"id": id, "total": total}

    return app
