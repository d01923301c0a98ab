from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


def exercise_3(dsn):

    class Item(BaseModel):
        name: str
        price: float

    class Change(BaseModel):
        name: str | None = None
        price: float | None = None

    @asynccontextmanager
    async def lifespan(app):
        # One pool for the life of the app. Leaving the block closes it.
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    def found(row):
        if row is None:
            raise HTTPException(404, "there is no such item")
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        # $1 and $2 travel beside the statement: no value is ever read as SQL.
        row = await app.state.pool.fetchrow(
            "insert into items (name, price) values ($1, $2) returning id, name, price",
            item.name,
            item.price,
        )
        return dict(row)

    @app.get("/items")
    async def list_items():
        rows = await app.state.pool.fetch("select id, name, price from items order by id")
        return [dict(row) for row in rows]

    @app.get("/items/{id}")
    async def read(id: int):
        query = "select id, name, price from items where id = $1"
        return found(await app.state.pool.fetchrow(query, id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        async with app.state.pool.acquire() as conn, conn.transaction():
            old = found(await conn.fetchrow("select * from items where id = $1 for update", id))
            name = change.name or old["name"]
            price = change.price or old["price"]
            query = "update items set name = $2, price = $3 where id = $1 returning id, name, price"
            return found(await conn.fetchrow(query, id, name, price))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        found(await app.state.pool.fetchrow("delete from items where id = $1 returning id", id))

    return app
