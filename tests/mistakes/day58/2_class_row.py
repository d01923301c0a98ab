import logging
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ValidationError

log = logging.getLogger("day58")


class User(BaseModel):
    id: int
    username: str
    email: str
    created_at: datetime
    updated_at: datetime | None


class Misfit:
    pass


def user_or_misfit(**columns):
    try:
        return User(**columns)
    except ValidationError as error:
        log.error("user %s: %s", columns["id"], error)
        return Misfit()


def exercise_2(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=4, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def find(sql, *values):
        async with pool.connection() as conn:
            async with conn.cursor(row_factory=class_row(User)) as cursor:
                await cursor.execute(sql, values)
                return await cursor.fetchall()

    @app.get("/users")
    async def read_all():
        found = await find("SELECT * FROM users WHERE is_active ORDER BY id")
        return [one for one in found if isinstance(one, User)]

    @app.get("/users/{id}")
    async def read(id: int):
        found = await find("SELECT * FROM users WHERE id = %s", id)
        if not found:
            raise HTTPException(404)
        if isinstance(found[0], Misfit):
            raise HTTPException(500)
        return found[0]

    return app
