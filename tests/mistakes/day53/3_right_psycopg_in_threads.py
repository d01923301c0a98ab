from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
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
        app.state.pool = ConnectionPool(
            dsn, min_size=1, max_size=5, open=False, kwargs={"row_factory": dict_row}
        )
        app.state.pool.open()
        yield
        app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    # Plain def: FastAPI runs these in threads, so that a blocking driver blocks nobody else.
    def query(sql, *values):
        with app.state.pool.connection() as conn:
            return conn.execute(sql, values).fetchall()

    def one(sql, *values):
        rows = query(sql, *values)
        if not rows:
            raise HTTPException(404, "not found")
        return rows[0]

    @app.post("/items", status_code=201)
    def create(item: Item):
        return one(
            "insert into items (name, price) values (%s, %s) returning *", item.name, item.price
        )

    @app.get("/items")
    def read_all():
        return query("select * from items order by id")

    @app.get("/items/{id}")
    def read(id: int):
        return one("select * from items where id = %s", id)

    @app.put("/items/{id}")
    def update(id: int, change: Change):
        return one(
            "update items set name = coalesce(%s, name), price = coalesce(%s, price) "
            "where id = %s returning *",
            change.name,
            change.price,
            id,
        )

    @app.delete("/items/{id}", status_code=204)
    def delete(id: int):
        one("delete from items where id = %s returning id", id)

    return app
