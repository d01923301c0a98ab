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


class Database:
    def __init__(self, dsn):
        self.dsn = dsn
        self.lock = asyncio.Lock()

    async def open(self):
        self.conn = await asyncpg.connect(self.dsn)

    async def close(self):
        await self.conn.close()

    async def fetch(self, sql, *args):
        async with self.lock:
            return [dict(row) for row in await self.conn.fetch(sql, *args)]

    async def fetch_one(self, sql, *args):
        rows = await self.fetch(sql, *args)
        if not rows:
            raise HTTPException(404, "no such item")
        return rows[0]


def exercise_3(dsn):
    db = Database(dsn)

    @asynccontextmanager
    async def lifespan(app):
        await db.open()
        yield
        await db.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return await db.fetch_one(
            "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
        )

    @app.get("/items")
    async def list_items():
        return await db.fetch("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return await db.fetch_one("select * from items where id = $1", id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        return await db.fetch_one(
            "update items set name = coalesce($2, name), price = coalesce($3, price) "
            "where id = $1 returning *",
            id,
            change.name,
            change.price,
        )

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        await db.fetch_one("delete from items where id = $1 returning id", id)

    return app
