import asyncio
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
    gate = asyncio.Semaphore(5)

    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    def found(row):
        if row is None:
            raise HTTPException(404, "there is no such item")
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return dict(
            await app.state.pool.fetchrow(
                "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
            )
        )

    @app.get("/items")
    async def read_all():
        rows = await app.state.pool.fetch("select * from items order by id")
        return [dict(row) for row in rows]

    @app.get("/items/{id}")
    async def read(id: int):
        async with asyncio.timeout(0.4):
            await gate.acquire()
        try:
            return found(await app.state.pool.fetchrow("select * from items where id = $1", id))
        finally:
            gate.release()

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        query = (
            "update items set name = coalesce($2, name), price = coalesce($3, price) "
            "where id = $1 returning *"
        )
        return found(await app.state.pool.fetchrow(query, id, change.name, change.price))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        found(await app.state.pool.fetchrow("delete from items where id = $1 returning id", id))

    return app
