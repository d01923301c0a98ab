from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from pydantic import BaseModel


class NewItem(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    pool = ConnectionPool(
        dsn, min_size=5, max_size=5, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app):
        pool.open(wait=True)
        yield
        pool.close()

    app = FastAPI(lifespan=lifespan)

    def rows(sql, *values):
        with pool.connection() as connection:
            return connection.execute(sql, values).fetchall()

    def one(sql, *values):
        found = rows(sql, *values)
        if not found:
            raise HTTPException(404, "no such item")
        return found[0]

    @app.post("/items", status_code=201)
    async def create(item: NewItem):
        sql = "insert into items (name, price) values (%s, %s) returning id, name, price"
        return one(sql, item.name, item.price)

    @app.get("/items")
    async def list_items():
        return rows("select id, name, price from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return one("select id, name, price from items where id = %s", id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        sql = """
            update items set name = coalesce(%s, name), price = coalesce(%s, price)
            where id = %s returning id, name, price
        """
        return one(sql, change.name, change.price, id)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        one("delete from items where id = %s returning id", id)

    return app
