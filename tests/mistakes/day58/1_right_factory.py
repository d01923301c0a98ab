from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class User(BaseModel):
    id: int
    username: str
    email: str | None
    created_at: datetime
    updated_at: datetime | None


class UserFactory:
    @staticmethod
    def from_row(row: asyncpg.Record) -> User:
        return User(**dict(row))


class DatabaseManager:
    def __init__(self, pool):
        self.pool = pool

    async def fetch_user(self, id):
        async with self.pool.acquire() as conn:
            row = await conn.fetchrow("SELECT * FROM users WHERE id = $1", id)
            return UserFactory.from_row(row) if row else None


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}")
    async def read(id: int):
        user = await DatabaseManager(app.state.pool).fetch_user(id)
        if user is None:
            raise HTTPException(404, "no such user")
        return user

    return app
