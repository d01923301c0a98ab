from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException, Response
from pydantic import BaseModel


class ItemIn(BaseModel):
    name: str
    price: float


class ItemUpdate(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn="postgresql://postgres@localhost/day53"):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.pool = await asyncpg.create_pool("postgresql://postgres@127.0.0.1:1/day53", min_size=1, max_size=5)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create_item(item: ItemIn):
        async with app.state.pool.acquire() as conn:
            item_id = await conn.fetchval(
                "INSERT INTO items (name, price) VALUES ($1, $2) RETURNING id",
                item.name,
                item.price,
            )
        return {"id": item_id, "name": item.name, "price": item.price}

    @app.get("/items")
    async def list_items():
        async with app.state.pool.acquire() as conn:
            rows = await conn.fetch("SELECT * FROM items ORDER BY id")
        return [dict(r) for r in rows]

    @app.get("/items/{item_id}")
    async def get_item(item_id: int):
        async with app.state.pool.acquire() as conn:
            row = await conn.fetchrow("SELECT * FROM items WHERE id = $1", item_id)
        if row is None:
            raise HTTPException(404, "Item not found")
        return dict(row)

    @app.put("/items/{item_id}")
    async def update_item(item_id: int, item: ItemUpdate):
        async with app.state.pool.acquire() as conn:
            row = await conn.fetchrow(
                "UPDATE items SET name = COALESCE($1, name), price = COALESCE($2, price) "
                "WHERE id = $3 RETURNING *",
                item.name,
                item.price,
                item_id,
            )
        if row is None:
            raise HTTPException(404, "Item not found")
        return dict(row)

    @app.delete("/items/{item_id}")
    async def delete_item(item_id: int):
        async with app.state.pool.acquire() as conn:
            result = await conn.execute("DELETE FROM items WHERE id = $1", item_id)
        if result == "DELETE 0":
            raise HTTPException(404, "Item not found")
        return Response(status_code=204)

    return app
