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
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield
        app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return dict(
            await app.state.pool.fetchrow(
                "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
            )
        )

    @app.get("/items")
    async def read_all():
        return [dict(row) for row in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        row = await app.state.pool.fetchrow(
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
        if await app.state.pool.execute("delete from items where id = $1", id) == "DELETE 0":
            raise HTTPException(404)

    return app
