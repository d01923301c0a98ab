import json
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException

ORDERS = """
    SELECT u.id, u.username, coalesce(
        (SELECT json_agg(json_build_object(
            'id', o.id, 'placed_at', o.placed_at, 'lines', coalesce(
                (SELECT json_agg(json_build_object(
                    'sku', l.sku, 'quantity', l.quantity, 'price', l.price::text) ORDER BY l.id)
                FROM order_lines l WHERE l.order_id = o.id), '[]')) ORDER BY o.id)
        FROM orders o WHERE o.user_id = u.id), '[]') AS orders
    FROM users u WHERE u.id = $1
"""


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}/orders")
    async def read(id: int):
        row = await app.state.pool.fetchrow(ORDERS, id)
        if row is None:
            raise HTTPException(404)
        return {**row, "orders": json.loads(row["orders"])}

    return app
