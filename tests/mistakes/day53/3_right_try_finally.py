from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str = None
    price: float = None


pool = None


async def run(sql, *args):
    """One statement on a connection of the pool; a list of dicts."""
    conn = await pool.acquire()
    try:
        return [dict(row) for row in await conn.fetch(sql, *args)]
    finally:
        await pool.release(conn)


def first(rows):
    if not rows:
        raise HTTPException(404, "no such item")
    return rows[0]


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        global pool
        pool = await asyncpg.create_pool(dsn, min_size=5, max_size=5)
        try:
            yield
        finally:
            await pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return first(
            await run(
                "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
            )
        )

    @app.get("/items")
    async def read_all():
        return await run("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return first(await run("select * from items where id = $1", id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        if change.name is not None:
            await run("update items set name = $2 where id = $1", id, change.name)
        if change.price is not None:
            await run("update items set price = $2 where id = $1", id, change.price)
        return first(await run("select * from items where id = $1", id))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        first(await run("delete from items where id = $1 returning id", id))

    return app
