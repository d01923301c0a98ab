from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Seat(Base):
    __tablename__ = "seats"
    id: Mapped[int] = mapped_column(primary_key=True)
    taken_by: Mapped[str | None]


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def session():
        try:
            async with sessions.begin() as session:
                yield session
        except IntegrityError as error:
            raise HTTPException(409) from error

    @app.post("/seats/{id}", status_code=201)
    async def take(
        id: int,
        taker: Taker,
        session: Annotated[AsyncSession, Depends(session, scope="function")],
    ):
        seat = await session.get(Seat, id, with_for_update=True)
        if seat is None:
            raise HTTPException(404)
        if seat.taken_by not in (None, taker.name):
            raise HTTPException(409)
        seat.taken_by = taker.name
        return {"id": id, "taken_by": taker.name}

    return app
