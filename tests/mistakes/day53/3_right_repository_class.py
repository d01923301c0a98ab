from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class PartialItem(BaseModel):
    name: str | None = None
    price: float | None = None


class ItemRepository:
    def __init__(self, dsn):
        self.dsn = dsn
        self.pool = None

    async def __aenter__(self):
        self.pool = await asyncpg.create_pool(self.dsn, init_size=5, min_size=0, max_size=5)
        return self

    async def __aexit__(self, *exc):
        await self.pool.close()

    async def add(self, item):
        return await self.pool.fetchrow(
            "insert into items (name, price) values ($1, $2) returning *", item.name, item.price
        )

    async def all(self):
        return await self.pool.fetch("select * from items order by id")

    async def get(self, id):
        return await self.pool.fetchrow("select * from items where id = $1", id)

    async def update(self, id, fields):
        if not fields:
            return await self.get(id)
        assignments = ", ".join(f"{column} = ${n}" for n, column in enumerate(fields, start=2))
        return await self.pool.fetchrow(
            f"update items set {assignments} where id = $1 returning *", id, *fields.values()
        )

    async def delete(self, id):
        return await self.pool.fetchrow("delete from items where id = $1 returning *", id)


def or_404(row):
    if row is None:
        raise HTTPException(404, "not found")
    return dict(row)


def exercise_3(dsn):
    repo = ItemRepository(dsn)

    @asynccontextmanager
    async def lifespan(app):
        async with repo:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return dict(await repo.add(item))

    @app.get("/items")
    async def list_all():
        return [dict(row) for row in await repo.all()]

    @app.get("/items/{id}")
    async def read(id: int):
        return or_404(await repo.get(id))

    @app.put("/items/{id}")
    async def update(id: int, item: PartialItem):
        return or_404(await repo.update(id, item.model_dump(exclude_unset=True)))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        or_404(await repo.delete(id))

    return app
