from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Query
from pydantic import StringConstraints
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool]


def exercise_2(dsn):
    engine = create_async_engine(dsn.replace("postgresql:", "postgresql+psycopg:"), pool_size=5)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/users")
    async def users(
        page: Annotated[int, Query(ge=1)] = 1,
        results_per_page: Annotated[int, Query(ge=1, le=100)] = 13,
        search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=50)] = "",
    ):
        found = select(User).where(User.is_active, User.username.icontains(search, autoescape=True))
        page_of = found.order_by(User.id).limit(results_per_page)
        async with AsyncSession(engine) as session:
            total = await session.scalar(select(func.count()).select_from(found.subquery()))
            rows = await session.scalars(page_of.offset((page - 1) * results_per_page))
            return {
                "total": total,
                "results": [{"id": u.id, "username": u.username, "email": u.email} for u in rows],
            }

    return app
