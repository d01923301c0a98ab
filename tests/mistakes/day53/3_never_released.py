from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=5, max_size=5)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        conn = await app.state.pool.acquire()
        row = await conn.fetchrow(
            "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
        )
        return dict(row)

    @app.get("/items")
    async def list_items():
        conn = await app.state.pool.acquire()
        rows = await conn.fetch("select * from items order by id")
        return [dict(row) for row in rows]

    @app.get("/items/{id}")
    async def read(id: int):
        conn = await app.state.pool.acquire()
        row = await conn.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        conn = await app.state.pool.acquire()
        row = await conn.fetchrow(
            "update items set name = coalesce($2, name), price = coalesce($3, price) "
            "where id = $1 returning *",
            id,
            change.name,
            change.price,
        )
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        conn = await app.state.pool.acquire()
        if await conn.execute("delete from items where id = $1", id) == "DELETE 0":
            raise HTTPException(404)

    return app
