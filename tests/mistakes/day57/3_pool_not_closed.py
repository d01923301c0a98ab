from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield

    app = FastAPI(lifespan=lifespan)

    @asynccontextmanager
    async def connection():
        try:
            conn = await app.state.pool.acquire(timeout=1)
        except TimeoutError:
            raise HTTPException(503, "busy", headers={"Retry-After": "1"}) from None
        try:
            yield conn
        finally:
            await app.state.pool.release(conn)

    @app.post("/orders/{id}/price")
    async def price(id: int):
        async with connection() as conn:
            item = await conn.fetchval("SELECT item FROM orders WHERE id = $1", id)
        if item is None:
            raise HTTPException(404, "no such order")
        total = await price_of(item)
        async with connection() as conn:
            await conn.execute("UPDATE orders SET total = $1 WHERE id = $2", total, id)
        return {"id": id, "total": total}

    return app
