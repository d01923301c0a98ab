from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    url = dsn.replace("postgresql://", "postgresql+asyncpg://")
    engine = create_async_engine(url, pool_size=5, max_overflow=0)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def one(sql, **values):
        async with engine.begin() as conn:
            row = (await conn.execute(text(sql), values)).mappings().one_or_none()
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return await one(
            "insert into items (name, price) values (:name, :price) returning *",
            name=item.name,
            price=item.price,
        )

    @app.get("/items")
    async def read_all():
        async with engine.connect() as conn:
            result = await conn.execute(text("select * from items order by id"))
            return [dict(row) for row in result.mappings()]

    @app.get("/items/{id}")
    async def read(id: int):
        return await one("select * from items where id = :id", id=id)

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        return await one(
            "update items set name = coalesce(:name, name), price = coalesce(:price, price) "
            "where id = :id returning *",
            id=id,
            **change.model_dump(),
        )

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        await one("delete from items where id = :id returning id", id=id)

    return app
