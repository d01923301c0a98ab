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
        user = await app.state.pool.fetchrow("SELECT id, username FROM users WHERE id = $1", id)
        if user is None:
            raise HTTPException(404, "no such user")
        rows = await app.state.pool.fetch(
            """
            SELECT o.id, o.placed_at, l.sku, l.quantity, l.price
            FROM orders o JOIN order_lines l ON l.order_id = o.id
            WHERE o.user_id = $1
            ORDER BY o.id, l.id
            """,
            id,
        )
        orders = {}
        for row in rows:
            new = {"id": row["id"], "placed_at": row["placed_at"], "lines": []}
            order = orders.setdefault(row["id"], new)
            if row["sku"] is not None:
                order["lines"].append(
                    {"sku": row["sku"], "quantity": row["quantity"], "price": str(row["price"])}
                )
        return {**user, "orders": list(orders.values())}

    return app
