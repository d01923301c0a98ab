import psycopg
from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    app = FastAPI()

    def query(sql, *values):
        with psycopg.connect(dsn, row_factory=dict_row) as conn:
            return conn.execute(sql, values).fetchall()

    def one(rows):
        if not rows:
            raise HTTPException(404)
        return rows[0]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        sql = "insert into items (name, price) values (%s, %s) returning *"
        return one(query(sql, item.name, item.price))

    @app.get("/items")
    async def list_items():
        return query("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return one(query("select * from items where id = %s", id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        sql = """
            update items set name = coalesce(%s, name), price = coalesce(%s, price)
            where id = %s returning *
        """
        return one(query(sql, change.name, change.price, id))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        one(query("delete from items where id = %s returning id", id))

    return app
