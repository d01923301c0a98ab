from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError


class Base(DeclarativeBase):
    pass


class UserRow(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class NewUser(BaseModel):
    username: str
    email: str


class Change(BaseModel):
    version: int
    username: str = ""
    email: str = ""


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    username: str
    email: str
    version: int


def exercise_4(dsn):
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(StaleDataError)
    async def stale(request, error):
        return JSONResponse({}, 409)

    @app.exception_handler(IntegrityError)
    async def taken(request, error):
        name = error.orig.__cause__.constraint_name
        return JSONResponse({"taken": "email" if "email" in name else "username"}, 409)

    async def found(session, id):
        user = await session.get(UserRow, id)
        if user is None or not user.is_active:
            raise HTTPException(404)
        return user

    @app.post("/users", status_code=201)
    async def add(new: NewUser) -> Shown:
        async with sessions() as session:
            user = UserRow(**new.model_dump())
            session.add(user)
            await session.commit()
            return user

    @app.get("/users/{id}")
    async def read(id: int) -> Shown:
        async with sessions() as session:
            return await found(session, id)

    @app.patch("/users/{id}")
    async def change(id: int, change: Change) -> Shown:
        async with sessions() as session:
            user = await found(session, id)
            if user.version != change.version:
                raise HTTPException(409)
            for name, value in change.model_dump(exclude_unset=True, exclude={"version"}).items():
                setattr(user, name, value)
            await session.commit()
            return user

    @app.delete("/users/{id}", status_code=204)
    async def remove(id: int):
        async with sessions() as session:
            (await found(session, id)).is_active = False
            await session.commit()

    return app
