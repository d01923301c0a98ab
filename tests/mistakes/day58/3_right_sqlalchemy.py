from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import DateTime, ForeignKey, Numeric, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload


class Base(DeclarativeBase):
    pass


class UserRow(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    orders: Mapped[list["OrderRow"]] = relationship(order_by="OrderRow.id")


class OrderRow(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    placed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lines: Mapped[list["LineRow"]] = relationship(order_by="LineRow.id")


class LineRow(Base):
    __tablename__ = "order_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    sku: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


class Model(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Line(Model):
    sku: str
    quantity: int
    price: Decimal


class Order(Model):
    id: int
    placed_at: datetime
    lines: list[Line]


class User(Model):
    id: int
    username: str
    orders: list[Order]


def exercise_3(dsn):
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}/orders")
    async def read(id: int):
        wanted = selectinload(UserRow.orders).selectinload(OrderRow.lines)
        async with sessions() as session:
            user = await session.scalar(select(UserRow).where(UserRow.id == id).options(wanted))
            if user is None:
                raise HTTPException(404)
            return User.model_validate(user)

    return app
