from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class NewItem(BaseModel):
    name: str
    price: float


class Item(NewItem):
    id: int


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False)
        await app.state.pool.open()
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: NewItem) -> Item:
        async with app.state.pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(Item)) as cur:
                await cur.execute(
                    "INSERT INTO items (name, price) VALUES (%s, %s) RETURNING id, name, price",
                    (item.name, item.price),
                )
                return await cur.fetchone()

    @app.get("/items")
    async def list_items() -> list[Item]:
        async with app.state.pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(Item)) as cur:
                await cur.execute("SELECT id, name, price FROM items ORDER BY id")
                return await cur.fetchall()

    @app.get("/items/{item_id}")
    async def read(item_id: int) -> Item:
        async with app.state.pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(Item)) as cur:
                await cur.execute("SELECT id, name, price FROM items WHERE id = %s", (item_id,))
                item = await cur.fetchone()
        if item is None:
            raise HTTPException(status_code=404)
        return item

    @app.put("/items/{item_id}")
    async def update(item_id: int, change: Change) -> Item:
        async with app.state.pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(Item)) as cur:
                await cur.execute("SELECT * FROM items WHERE id = %s FOR UPDATE", (item_id,))
                item = await cur.fetchone()
                if item is None:
                    raise HTTPException(status_code=404)
                item = item.model_copy(update=change.model_dump(exclude_none=True))
                await cur.execute(
                    "UPDATE items SET name = %s, price = %s WHERE id = %s",
                    (item.name, item.price, item_id),
                )
        return item

    @app.delete("/items/{item_id}", status_code=204)
    async def delete(item_id: int) -> None:
        async with app.state.pool.connection() as conn:
            cur = await conn.execute("DELETE FROM items WHERE id = %s", (item_id,))
            if cur.rowcount == 0:
                raise HTTPException(status_code=404)

    return app
