from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}/orders")
    async def read(id: int):
        async with app.state.pool.acquire() as conn:
            user = await conn.fetchrow("SELECT id, username FROM users WHERE id = $1", id)
            orders = await conn.fetch(
                "SELECT id, placed_at FROM orders WHERE user_id = $1 ORDER BY id", id
            )
            lines = await conn.fetch(
                "SELECT * FROM order_lines WHERE order_id = ANY($1) ORDER BY id",
                [order["id"] for order in orders],
            )
        shown = {order["id"]: [] for order in orders}
        for line in lines:
            shown[line["order_id"]].append(
                {"sku": line["sku"], "quantity": line["quantity"], "price": str(line["price"])}
            )
        return {
            **(user or {"id": id, "username": None}),
            "orders": [{**order, "lines": shown[order["id"]]} for order in orders],
        }

    return app
