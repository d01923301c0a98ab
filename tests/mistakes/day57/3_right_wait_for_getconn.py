from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout


class Orders:
    def __init__(self, pool):
        self.pool = pool

    async def query(self, sql, *values):
        try:
            conn = await self.pool.getconn(timeout=1)
        except PoolTimeout as error:
            raise HTTPException(503, "try again", {"Retry-After": "1"}) from error
        try:
            async with conn.transaction(), conn.cursor(row_factory=dict_row) as cursor:
                await cursor.execute(sql, values)
                return await cursor.fetchone()
        finally:
            await self.pool.putconn(conn)


def exercise_3(dsn, price_of):
    @asynccontextmanager
    async def lifespan(app):
        async with AsyncConnectionPool(dsn, min_size=5, max_size=5, open=False) as pool:
            app.state.orders = Orders(pool)
            yield

    app = FastAPI(lifespan=lifespan)

    def orders():
        return app.state.orders

    @app.post("/orders/{id}/price")
    async def price(id: int, orders: Annotated[Orders, Depends(orders)]):
        found = await orders.query("SELECT item FROM orders WHERE id = %s", id)
        if found is None:
            raise HTTPException(404)
        total = await price_of(found["item"])
        stored = await orders.query(
            "UPDATE orders SET total = %s WHERE id = %s RETURNING id, total", total, id
        )
        if stored is None:
            raise HTTPException(404)
        return stored

    return app
