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
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        sql = "insert into items (name, price) values ($1, $2) returning *"
        return dict(await app.state.pool.fetchrow(sql, item.name, item.price))

    @app.get("/items")
    async def list_items():
        return [dict(row) for row in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        item = await read(id)
        if change.name is not None:
            item["name"] = change.name
        if change.price is not None:
            item["price"] = change.price
        await app.state.pool.execute(
            "update items set name = $1, price = $2 where id = $3", item["name"], item["price"], id
        )
        return item

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        await read(id)
        await app.state.pool.execute("delete from items where id = $1", id)

    return app
