from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text


class NewItem(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


CREATE = """
    create table if not exists items (id serial primary key, name text, price double precision)
"""


def exercise_3(dsn):
    engine = create_engine(
        dsn.replace("postgresql:", "postgresql+psycopg:"), pool_size=5, max_overflow=0
    )
    with engine.begin() as connection:
        connection.execute(text(CREATE))
    app = FastAPI(on_shutdown=[engine.dispose])

    def rows(sql, **values):
        with engine.begin() as connection:
            found = connection.execute(text(sql), values)
            return [dict(row) for row in found.mappings()]

    def one(sql, **values):
        found = rows(sql, **values)
        if not found:
            raise HTTPException(404, "no such item")
        return found[0]

    @app.post("/items", status_code=201)
    def create(item: NewItem):
        sql = "insert into items (name, price) values (:name, :price) returning id, name, price"
        return one(sql, name=item.name, price=item.price)

    @app.get("/items")
    def list_items():
        return rows("select id, name, price from items order by id")

    @app.get("/items/{id}")
    def read(id: int):
        return one("select id, name, price from items where id = :id", id=id)

    @app.put("/items/{id}")
    def update(id: int, change: Change):
        sql = """
            update items set name = coalesce(:name, name), price = coalesce(:price, price)
            where id = :id returning id, name, price
        """
        return one(sql, id=id, name=change.name, price=change.price)

    @app.delete("/items/{id}", status_code=204)
    def delete(id: int):
        one("delete from items where id = :id returning id", id=id)

    return app
