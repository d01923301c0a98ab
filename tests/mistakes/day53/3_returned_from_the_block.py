from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


async def get_connection(request: Request):
    async with request.app.state.pool.acquire() as connection:
        return connection


Db = Annotated[asyncpg.Connection, Depends(get_connection)]


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item, db: Db):
        sql = "insert into items (name, price) values ($1, $2) returning *"
        return dict(await db.fetchrow(sql, item.name, item.price))

    @app.get("/items")
    async def list_items(db: Db):
        return [dict(row) for row in await db.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def read(id: int, db: Db):
        row = await db.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, change: Change, db: Db):
        sql = """
            update items set name = coalesce($2, name), price = coalesce($3, price)
            where id = $1 returning *
        """
        row = await db.fetchrow(sql, id, change.name, change.price)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int, db: Db):
        if await db.execute("delete from items where id = $1", id) == "DELETE 0":
            raise HTTPException(404)

    return app
