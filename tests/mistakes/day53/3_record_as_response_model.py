from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Request, status
from pydantic import BaseModel


class ItemCreate(BaseModel):
    name: str
    price: float


class ItemUpdate(BaseModel):
    name: str | None = None
    price: float | None = None


class Item(ItemCreate):
    id: int


async def get_conn(request: Request):
    async with request.state.pool.acquire() as conn:
        yield conn


Conn = Annotated[asyncpg.Connection, Depends(get_conn)]


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        pool = await asyncpg.create_pool(dsn, init_size=1, min_size=1, max_size=5)
        yield {"pool": pool}
        await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", response_model=Item, status_code=status.HTTP_201_CREATED)
    async def create_item(body: ItemCreate, conn: Conn):
        return await conn.fetchrow(
            "INSERT INTO items (name, price) VALUES ($1, $2) RETURNING *", body.name, body.price
        )

    @app.get("/items", response_model=list[Item])
    async def list_items(conn: Conn):
        return await conn.fetch("SELECT * FROM items ORDER BY id")

    @app.get("/items/{item_id}", response_model=Item)
    async def get_item(item_id: int, conn: Conn):
        row = await conn.fetchrow("SELECT * FROM items WHERE id = $1", item_id)
        if row is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND)
        return row

    @app.put("/items/{item_id}", response_model=Item)
    async def update_item(item_id: int, body: ItemUpdate, conn: Conn):
        row = await conn.fetchrow(
            """
            UPDATE items
            SET name = COALESCE($2, name), price = COALESCE($3, price)
            WHERE id = $1
            RETURNING *
            """,
            item_id,
            body.name,
            body.price,
        )
        if row is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND)
        return row

    @app.delete("/items/{item_id}", status_code=status.HTTP_204_NO_CONTENT)
    async def delete_item(item_id: int, conn: Conn):
        if await conn.execute("DELETE FROM items WHERE id = $1", item_id) != "DELETE 1":
            raise HTTPException(status.HTTP_404_NOT_FOUND)

    return app
