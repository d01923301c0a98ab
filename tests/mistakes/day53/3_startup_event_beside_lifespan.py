from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class ItemUpdate(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        print("starting")
        yield
        print("stopped")

    app = FastAPI(lifespan=lifespan)

    @app.on_event("startup")
    async def startup():
        app.state.db = await asyncpg.create_pool(dsn, min_size=1, max_size=5)

    @app.on_event("shutdown")
    async def shutdown():
        await app.state.db.close()

    @app.post("/items", status_code=201)
    async def create_item(item: Item):
        row = await app.state.db.fetchrow(
            "INSERT INTO items (name, price) VALUES ($1, $2) RETURNING id, name, price",
            item.name,
            item.price,
        )
        return dict(row)

    @app.get("/items")
    async def get_items():
        rows = await app.state.db.fetch("SELECT id, name, price FROM items ORDER BY id")
        return [dict(row) for row in rows]

    @app.get("/items/{item_id}")
    async def get_item(item_id: int):
        row = await app.state.db.fetchrow(
            "SELECT id, name, price FROM items WHERE id = $1", item_id
        )
        if not row:
            raise HTTPException(status_code=404, detail="Item not found")
        return dict(row)

    @app.put("/items/{item_id}")
    async def update_item(item_id: int, item: ItemUpdate):
        row = await app.state.db.fetchrow(
            "UPDATE items SET name = COALESCE($1, name), price = COALESCE($2, price) "
            "WHERE id = $3 RETURNING id, name, price",
            item.name,
            item.price,
            item_id,
        )
        if not row:
            raise HTTPException(status_code=404, detail="Item not found")
        return dict(row)

    @app.delete("/items/{item_id}", status_code=204)
    async def delete_item(item_id: int):
        row = await app.state.db.fetchrow("DELETE FROM items WHERE id = $1 RETURNING id", item_id)
        if not row:
            raise HTTPException(status_code=404, detail="Item not found")

    return app
