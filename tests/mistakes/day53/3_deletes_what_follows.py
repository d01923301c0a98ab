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

    def found(row):
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        sql = "insert into items (name, price) values ($1, $2) returning *"
        return dict(await app.state.pool.fetchrow(sql, item.name, item.price))

    @app.get("/items")
    async def all_items():
        return [dict(row) for row in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{number}")
    async def one(number: int):
        return found(await app.state.pool.fetchrow("select * from items where id = $1", number))

    @app.put("/items/{number}")
    async def change(number: int, item: Change):
        sql = """
            update items set name = coalesce($2, name), price = coalesce($3, price)
            where id = $1 returning *
        """
        return found(await app.state.pool.fetchrow(sql, number, item.name, item.price))

    @app.delete("/items/{number}", status_code=204)
    async def delete(number: int):
        sql = "delete from items where id >= $1 returning *"
        found(await app.state.pool.fetchrow(sql, number))

    return app
