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
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = AsyncConnectionPool(
            dsn, min_size=1, max_size=5, open=False, kwargs={"row_factory": dict_row}
        )
        await app.state.pool.open()
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def query(sql, *values):
        conn = await app.state.pool.getconn()
        cursor = await conn.execute(sql, values)
        rows = await cursor.fetchall()
        await conn.commit()
        await app.state.pool.putconn(conn)
        return rows

    def one(rows):
        if not rows:
            raise HTTPException(404)
        return rows[0]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return one(
            await query(
                "insert into items (name, price) values (%s, %s) returning *", item.name, item.price
            )
        )

    @app.get("/items")
    async def list_items():
        return await query("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return one(await query("select * from items where id = %s", id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        sql = """
            update items set name = coalesce(%s, name), price = coalesce(%s, price)
            where id = %s returning *
        """
        return one(await query(sql, change.name, change.price, id))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        one(await query("delete from items where id = %s returning id", id))

    return app
