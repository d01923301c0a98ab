from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[float]

    def as_dict(self):
        return {"id": self.id, "name": self.name, "price": self.price}


class ItemIn(BaseModel):
    name: str
    price: float


class ItemUpdate(BaseModel):
    name: str | None = None
    price: float | None = None


def exercise_3(dsn):
    engine = create_async_engine(
        dsn.replace("postgresql", "postgresql+asyncpg", 1), pool_size=5, max_overflow=0
    )
    make_session = async_sessionmaker(engine, expire_on_commit=False)

    async def get_session():
        async with make_session() as session:
            yield session

    Session = Annotated[AsyncSession, Depends(get_session)]

    @asynccontextmanager
    async def lifespan(app):
        try:
            yield
        finally:
            await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/items", status_code=201)
    async def create_item(body: ItemIn, session: Session):
        item = Item(**body.model_dump())
        session.add(item)
        await session.flush()
        return item.as_dict()

    @app.get("/items")
    async def list_items(session: Session):
        items = await session.scalars(select(Item).order_by(Item.id))
        return [item.as_dict() for item in items]

    @app.get("/items/{item_id}")
    async def get_item(item_id: int, session: Session):
        item = await session.get(Item, item_id)
        if item is None:
            raise HTTPException(404)
        return item.as_dict()

    @app.put("/items/{item_id}")
    async def update_item(item_id: int, body: ItemUpdate, session: Session):
        item = await session.get(Item, item_id, with_for_update=True)
        if item is None:
            raise HTTPException(404)
        for field, value in body.model_dump(exclude_unset=True).items():
            setattr(item, field, value)
        return item.as_dict()

    @app.delete("/items/{item_id}", status_code=204)
    async def delete_item(item_id: int, session: Session):
        item = await session.get(Item, item_id)
        if item is None:
            raise HTTPException(404)
        await session.delete(item)

    return app
