from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException, Response
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
            raise HTTPException(404, "there is no such item")
        return dict(row)

    async def answer(status, query, *values):
        text = await app.state.pool.fetchval(f"with item as ({query}) {MADE}", *values)
        if text is None:
            raise HTTPException(404)
        return Response(text, status, media_type="application/json")

    MADE = "select row_to_json(item)::text from item"

    @app.post("/items")
    async def create(item: Item):
        query = "insert into items (name, price) values ($1, $2) returning *"
        return await answer(201, query, item.name, item.price)

    @app.get("/items")
    async def read_all():
        query = "select coalesce(json_agg(items order by id), '[]')::text from items"
        return Response(await app.state.pool.fetchval(query), media_type="application/json")

    @app.get("/items/{id}")
    async def read(id: int):
        return await answer(200, "select * from items where id = $1", id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        query = (
            "update items set name = coalesce($2, name), price = coalesce($3, price) "
            "where id = $1 returning *"
        )
        return await answer(200, query, id, change.name, change.price)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        found(await app.state.pool.fetchrow("delete from items where id = $1 returning id", id))

    return app
