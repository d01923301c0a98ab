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

    @app.post("/items", status_code=201)
    async def create(item: Item):
        row = await app.state.pool.fetchrow(
            f"insert into items (name, price) values ('{item.name}', {item.price}) returning *"
        )
        return dict(row)

    @app.get("/items")
    async def list_items():
        return [dict(row) for row in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow(f"select * from items where id = {id}")
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        changes = []
        if change.name is not None:
            changes.append(f"name = '{change.name}'")
        if change.price is not None:
            changes.append(f"price = {change.price}")
        row = await app.state.pool.fetchrow(
            f"update items set {', '.join(changes)} where id = {id} returning *"
        )
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        if await app.state.pool.execute(f"delete from items where id = {id}") == "DELETE 0":
            raise HTTPException(404)

    return app
