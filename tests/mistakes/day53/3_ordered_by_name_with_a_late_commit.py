import asyncpg
from contextlib import asynccontextmanager
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel

class Item(BaseModel):
    name: str
    price: float

class Part(BaseModel):
    name: str | None = None
    price: float | None = None

def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def get(id):
        row = await app.state.pool.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return row

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return await app.state.pool.fetchrow("insert into items (name, price) values ($1, $2) returning *", item.name, item.price)

    @app.get("/items")
    async def all_items():
        return await app.state.pool.fetch("select * from items order by name")

    @app.get("/items/{id}")
    async def one(id: int):
        return await get(id)

    async def transaction():
        async with app.state.pool.acquire() as conn, conn.transaction():
            yield conn

    @app.put("/items/{id}")
    async def change(id: int, part: Part, conn=Depends(transaction)):
        row = await conn.fetchrow(
            "update items set name = coalesce($2, name), price = coalesce($3, price) where id = $1 returning *",
            id, part.name, part.price,
        )
        if row is None:
            raise HTTPException(404)
        return row

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        if not await app.state.pool.fetchval("delete from items where id = $1 returning id", id):
            raise HTTPException(404)
    return app
