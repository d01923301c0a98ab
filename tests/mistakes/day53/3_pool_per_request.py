from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
import asyncpg


class Item(BaseModel):
    name: str
    price: float


class ItemUpdate(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    app = FastAPI()

    async def get_pool():
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            yield pool

    @app.post("/items", status_code=201)
    async def create_item(item: Item, pool=Depends(get_pool)):
        row = await pool.fetchrow(
            "INSERT INTO items (name, price) VALUES ($1, $2) RETURNING *", item.name, item.price
        )
        return dict(row)

    @app.get("/items")
    async def get_items(pool=Depends(get_pool)):
        return [dict(r) for r in await pool.fetch("SELECT * FROM items ORDER BY id")]

    @app.get("/items/{item_id}")
    async def get_item(item_id: int, pool=Depends(get_pool)):
        row = await pool.fetchrow("SELECT * FROM items WHERE id = $1", item_id)
        if row is None:
            raise HTTPException(status_code=404, detail="Not found")
        return dict(row)

    @app.put("/items/{item_id}")
    async def put_item(item_id: int, item: ItemUpdate, pool=Depends(get_pool)):
        row = await pool.fetchrow(
            "UPDATE items SET name = COALESCE($1, name), price = COALESCE($2, price) "
            "WHERE id = $3 RETURNING *",
            item.name,
            item.price,
            item_id,
        )
        if row is None:
            raise HTTPException(status_code=404, detail="Not found")
        return dict(row)

    @app.delete("/items/{item_id}", status_code=204)
    async def delete_item(item_id: int, pool=Depends(get_pool)):
        row = await pool.fetchrow("DELETE FROM items WHERE id = $1 RETURNING id", item_id)
        if row is None:
            raise HTTPException(status_code=404, detail="Not found")

    return app
