from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI, HTTPException
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class User(BaseModel):
    id: int
    username: str
    email: str | None
    created_at: datetime
    updated_at: datetime | None


def exercise_1(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=4, open=False)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}")
    async def read(id: int):
        async with pool.connection() as conn, conn.cursor() as cursor:
            await cursor.execute("SELECT * FROM users WHERE id = %s", [id])
            row = await cursor.fetchone()
        if row is None:
            raise HTTPException(404, "no such user")
        return User(**row)

    return app
