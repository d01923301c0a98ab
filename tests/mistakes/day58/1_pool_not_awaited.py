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


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow("SELECT * FROM users WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such user")
        return User(**row)

    return app
