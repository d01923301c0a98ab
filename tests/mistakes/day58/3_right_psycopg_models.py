from collections import defaultdict
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row, dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class Line(BaseModel):
    sku: str
    quantity: int
    price: Decimal


class Order(BaseModel):
    id: int
    placed_at: datetime
    lines: list[Line] = []


class UserWithOrders(BaseModel):
    id: int
    username: str
    orders: list[Order] = []


def exercise_3(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=4, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def find(rows, sql, *values):
        async with pool.connection() as conn, conn.cursor(row_factory=rows) as cursor:
            await cursor.execute(sql, values)
            return await cursor.fetchall()

    @app.get("/users/{id}/orders")
    async def read(id: int) -> UserWithOrders:
        users = await find(class_row(UserWithOrders), "SELECT * FROM users WHERE id = %s", id)
        if not users:
            raise HTTPException(404)
        orders = await find(class_row(Order), "SELECT * FROM orders WHERE user_id = %s ORDER BY id", id)
        found = await find(
            dict_row,
            "SELECT l.* FROM order_lines l JOIN orders o ON o.id = l.order_id"
            " WHERE o.user_id = %s ORDER BY l.id",
            id,
        )
        lines = defaultdict(list)
        for line in found:
            lines[line["order_id"]].append(Line(**line))
        for order in orders:
            order.lines = lines[order.id]
        users[0].orders = orders
        return users[0]

    return app
