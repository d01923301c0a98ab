import asyncpg
from contextlib import asynccontextmanager
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
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        sql = "insert into items (name, price) values ($1, $2) returning *"
        return dict(await app.state.pool.fetchrow(sql, item.name, item.price))

    @app.get("/items")
    async def index():
        return [dict(row) for row in await app.state.pool.fetch("select * from items order by id")]

    @app.get("/items/{id}")
    async def show(id: int):
        row = await app.state.pool.fetchrow("select * from items where id = $1", id)
        if row is None:
            raise HTTPException(404)
        return dict(row)

    async def change_item(id, change):
        async with app.state.pool.acquire() as conn:
            async with conn.transaction(isolation="serializable"):
                row = await conn.fetchrow("select * from items where id = $1", id)
                if row is None:
                    raise HTTPException(404)
                item = {**row, **change}
                await conn.execute(
                    "update items set name = $2, price = $3 where id = $1",
                    id,
                    item["name"],
                    item["price"],
                )
                return item

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        return await change_item(id, change.model_dump(exclude_none=True))

    @app.delete("/items/{id}", status_code=204)
    async def remove(id: int):
        if not await app.state.pool.fetchval("delete from items where id = $1 returning id", id):
            raise HTTPException(404)

    return app
