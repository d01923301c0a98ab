from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg_pool import AsyncConnectionPool


def exercise_3(dsn, price_of):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, timeout=0.05, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders/{id}/price")
    async def price(id: int):
        async with pool.connection() as conn:
            found = await conn.execute("SELECT item FROM orders WHERE id = %s", [id])
            row = await found.fetchone()
        if row is None:
            raise HTTPException(404)
        total = await price_of(row[0])
        async with pool.connection() as conn:
            await conn.execute("UPDATE orders SET total = %s WHERE id = %s", [total, id])
        return {"id": id, "total": total}

    return app
