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
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def query(sql, *args):
        pool = app.state.pool
        conn = await pool.acquire()
        rows = await conn.fetch(sql, *args)
        await pool.release(conn)
        return [dict(row) for row in rows]

    def one(rows):
        if not rows:
            raise HTTPException(404, "no such item")
        return rows[0]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return one(
            await query(
                "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
            )
        )

    @app.get("/items")
    async def list_items():
        return await query("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return one(await query("select * from items where id = $1", id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        sql = """
            update items set name = coalesce($2, name), price = coalesce($3, price)
            where id = $1 returning *
        """
        return one(await query(sql, id, change.name, change.price))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        one(await query("delete from items where id = $1 returning id", id))

    return app
