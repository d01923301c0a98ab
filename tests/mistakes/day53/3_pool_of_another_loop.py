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


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    def query(sql, *args):
        return [dict(row) for row in asyncio.run(app.state.pool.fetch(sql, *args))]

    def one(rows):
        if not rows:
            raise HTTPException(404)
        return rows[0]

    @app.post("/items", status_code=201)
    def create(item: Item):
        sql = "insert into items (name, price) values ($1, $2) returning *"
        return one(query(sql, item.name, item.price))

    @app.get("/items")
    def list_items():
        return query("select * from items order by id")

    @app.get("/items/{id}")
    def read(id: int):
        return one(query("select * from items where id = $1", id))

    @app.put("/items/{id}")
    def update(id: int, change: Change):
        sql = """
            update items set name = coalesce($2, name), price = coalesce($3, price)
            where id = $1 returning *
        """
        return one(query(sql, id, change.name, change.price))

    @app.delete("/items/{id}", status_code=204)
    def delete(id: int):
        one(query("delete from items where id = $1 returning id", id))

    return app
