from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import DateTime, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "measurements"
    id: Mapped[int] = mapped_column(primary_key=True)
    taken_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    value: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Measurement(BaseModel):
    taken_at: Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
    value: Annotated[Decimal, Field(max_digits=20, decimal_places=10)]
    tags: list[str]
    payload: dict[str, Any]


class Stored(Measurement):
    model_config = ConfigDict(from_attributes=True)

    id: int


def exercise_6(dsn):
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/measurements", status_code=201)
    async def add(new: Measurement) -> Stored:
        async with sessions() as session:
            row = Row(**new.model_dump())
            session.add(row)
            await session.commit()
            return Stored.model_validate(row)

    @app.get("/measurements/{id}")
    async def read(id: int) -> Stored:
        async with sessions() as session:
            row = await session.get(Row, id)
            if row is None:
                raise HTTPException(404)
            return Stored.model_validate(row)

    return app
