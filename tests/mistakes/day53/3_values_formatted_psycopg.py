from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=5, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def one(sql):
        async with pool.connection() as conn:
            row = await (await conn.execute(sql)).fetchone()
        if row is None:
            raise HTTPException(404)
        return row

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return await one(
            "insert into items (name, price) values ('%s', %s) returning *"
            % (item.name, item.price)
        )

    @app.get("/items")
    async def list_items():
        async with pool.connection() as conn:
            return await (await conn.execute("select * from items order by id")).fetchall()

    @app.get("/items/{id}")
    async def read(id: int):
        return await one("select * from items where id = %s" % id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        if change.name:
            await one("update items set name = '%s' where id = %s returning id" % (change.name, id))
        if change.price:
            await one("update items set price = %s where id = %s returning id" % (change.price, id))
        return await one("select * from items where id = %s" % id)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        await one("delete from items where id = %s returning id" % id)

    return app
