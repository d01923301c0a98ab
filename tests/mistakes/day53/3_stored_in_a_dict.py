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
    items = {}

    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            for row in await pool.fetch("select * from items order by id"):
                items[row["id"]] = dict(row)
            yield

    app = FastAPI(lifespan=lifespan)

    def get(id):
        if id not in items:
            raise HTTPException(404)
        return items[id]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        id = max(items) + 1
        items[id] = {"id": id, **item.model_dump()}
        return items[id]

    @app.get("/items")
    async def list_items():
        return list(items.values())

    @app.get("/items/{id}")
    async def read(id: int):
        return get(id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        get(id).update(change.model_dump(exclude_none=True))
        return items[id]

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        get(id)
        del items[id]

    return app
