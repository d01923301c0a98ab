from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine


class Item(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=5, max_overflow=0
    )
    session = AsyncSession(engine)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await session.close()
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def query(sql, **values):
        result = await session.execute(text(sql), values)
        rows = [dict(row) for row in result.mappings()]
        await session.commit()
        return rows

    def one(rows):
        if not rows:
            raise HTTPException(404)
        return rows[0]

    @app.post("/items", status_code=201)
    async def create(item: Item):
        sql = "insert into items (name, price) values (:name, :price) returning *"
        return one(await query(sql, name=item.name, price=item.price))

    @app.get("/items")
    async def list_items():
        return await query("select * from items order by id")

    @app.get("/items/{id}")
    async def read(id: int):
        return one(await query("select * from items where id = :id", id=id))

    @app.put("/items/{id}")
    async def update(id: int, change: Change):
        sql = """
            update items set name = coalesce(:name, name), price = coalesce(:price, price)
            where id = :id returning *
        """
        return one(await query(sql, id=id, name=change.name, price=change.price))

    @app.delete("/items/{id}", status_code=204)
    async def delete(id: int):
        one(await query("delete from items where id = :id returning id", id=id))

    return app
