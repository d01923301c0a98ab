from contextlib import asynccontextmanager
from typing import Optional

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Item(BaseModel):
    name: str
    price: float


class Patch(BaseModel):
    name: Optional[str] = None
    price: Optional[float] = None


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, max_size=5, min_size=2)
        try:
            yield
        finally:
            await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        async with app.state.pool.acquire() as conn, conn.transaction():
            return dict(
                await conn.fetchrow(
                    "insert into items(name, price) values($1, $2) returning *", item.name, item.price
                )
            )

    @app.get("/items")
    async def read_all():
        return [dict(r) for r in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def read_one(id: int):
        row = await app.state.pool.fetchrow("select * from items where id=$1", id)
        if not row:
            raise HTTPException(status_code=404)
        return dict(row)

    @app.put("/items/{id}")
    async def update(id: int, patch: Patch):
        async with app.state.pool.acquire() as conn:
            async with conn.transaction():
                # lock the row, so that nobody else can change it until we are done
                row = await conn.fetchrow("select * from items where id=$1 for update", id)
                if not row:
                    raise HTTPException(status_code=404)
                new = dict(row) | patch.model_dump(exclude_unset=True)
                await conn.execute(
                    "update items set name=$2, price=$3 where id=$1", id, new["name"], new["price"]
                )
                return new

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        async with app.state.pool.acquire() as conn:
            async with conn.transaction():
                if await conn.execute("delete from items where id=$1", id) == "DELETE 0":
                    raise HTTPException(status_code=404)

    return app
