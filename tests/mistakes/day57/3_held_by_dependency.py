from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, HTTPException


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

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
    async def price(id: int, conn: Annotated[Any, Depends(connection)]):
        item = await conn.fetchval("SELECT item FROM orders WHERE id = $1", id)
        if item is None:
            raise HTTPException(404, "no such order")
        total = await price_of(item)
        await conn.execute("UPDATE orders SET total = $1 WHERE id = $2", total, id)
        return {"id": id, "total": total}

    return app
