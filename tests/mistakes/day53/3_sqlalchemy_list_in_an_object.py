from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[float | None]


class ItemIn(BaseModel):
    name: str
    price: float


class Change(BaseModel):
    name: str | None = None
    price: float | None = None


class ItemOut(BaseModel, from_attributes=True):
    id: int
    name: str
    price: float | None


def exercise_3(dsn):
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=5,
        max_overflow=0,
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def session():
        async with sessions() as opened:
            yield opened

    async def existing(id: int, db=Depends(session)):
        item = await db.get(Item, id)
        if item is None:
            raise HTTPException(404)
        return item

    @app.post("/items", status_code=201, response_model=ItemOut)
    async def create(item: ItemIn, db=Depends(session)):
        made = Item(**item.model_dump())
        db.add(made)
        await db.commit()
        return made

    @app.get("/items")
    async def read_all(db=Depends(session)):
        return {"items": (await db.scalars(select(Item).order_by(Item.id))).all()}

    @app.get("/items/{id}", response_model=ItemOut)
    async def read(item=Depends(existing)):
        return item

    @app.put("/items/{id}", response_model=ItemOut)
    async def update(change: Change, item=Depends(existing), db=Depends(session)):
        for field, value in change.model_dump(exclude_unset=True).items():
            setattr(item, field, value)
        await db.commit()
        return item

    @app.delete("/items/{id}", status_code=204)
    async def delete(item=Depends(existing), db=Depends(session)):
        await db.delete(item)
        await db.commit()
        return Response(status_code=204)

    return app
