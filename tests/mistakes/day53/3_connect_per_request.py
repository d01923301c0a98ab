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
    app = FastAPI()

    async def fetchrow(sql, *args):
        conn = await asyncpg.connect(dsn)
        try:
            row = await conn.fetchrow(sql, *args)
        finally:
            await conn.close()
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return await fetchrow(
            "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
        )

    @app.get("/items")
    async def list_items():
        conn = await asyncpg.connect(dsn)
        try:
            return [dict(row) for row in await conn.fetch("select * from items order by id")]
        finally:
            await conn.close()

    @app.get("/items/{id}")
    async def read(id: int):
        return await fetchrow("select * from items where id = $1", id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        return await fetchrow(
            "update items set name = coalesce($2, name), price = coalesce($3, price) "
            "where id = $1 returning *",
            id,
            change.name,
            change.price,
        )

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        await fetchrow("delete from items where id = $1 returning id", id)

    return app
