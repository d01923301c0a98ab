from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg_pool import AsyncConnectionPool, PoolTimeout


def exercise_3(dsn, price_of):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, timeout=1, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def ask(sql, *values):
        try:
            conn = await pool.getconn()
        except PoolTimeout:
            raise HTTPException(503, headers={"Retry-After": "1"}) from None
        try:
            cursor = await conn.execute(sql, values)
            return await cursor.fetchone() if cursor.description else None
        finally:
            await pool.putconn(conn)

    @app.post("/orders/{id}/price")
    async def price(id: int):
        row = await ask("SELECT item FROM orders WHERE id = %s", id)
        if row is None:
            raise HTTPException(404)
        total = await price_of(row[0])
        await ask("UPDATE orders SET total = %s WHERE id = %s", total, id)
        return {"id": id, "total": total}

    return app
