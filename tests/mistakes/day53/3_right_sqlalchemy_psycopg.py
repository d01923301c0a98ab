from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, Float, Integer, MetaData, Table, Text, delete, insert, select, update
from sqlalchemy.ext.asyncio import create_async_engine

items = Table(
    "items",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("price", Float),
)


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.engine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+psycopg://"), pool_size=5, max_overflow=0
        )
        yield
        await app.state.engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def run(statement):
        async with app.state.engine.begin() as conn:
            return [dict(row) for row in (await conn.execute(statement)).mappings()]

    def one_of(rows):
        if not rows:
            raise HTTPException(404, "no such item")
        return rows[0]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        return one_of(await run(insert(items).values(**item.model_dump()).returning(items)))

    @app.get("/items")
    async def list_items():
        return await run(select(items).order_by(items.c.id))

    @app.get("/items/{id}")
    async def read(id: int):
        return one_of(await run(select(items).where(items.c.id == id)))

    @app.put("/items/{id}")
    async def change_item(id: int, change: Change):
        values = change.model_dump(exclude_none=True)
        return one_of(
            await run(update(items).where(items.c.id == id).values(**values).returning(items))
        )

    @app.delete("/items/{id}", status_code=204)
    async def remove(id: int):
        one_of(await run(delete(items).where(items.c.id == id).returning(items.c.id)))

    return app
