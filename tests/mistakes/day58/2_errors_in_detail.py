import logging
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ValidationError

log = logging.getLogger("day58")


class User(BaseModel):
    id: int
    username: str
    email: str
    created_at: datetime
    updated_at: datetime | None


def exercise_2(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/users")
    async def read_all():
        rows = await app.state.pool.fetch("SELECT * FROM users WHERE is_active ORDER BY id")
        users = []
        for row in rows:
            try:
                users.append(User(**row))
            except ValidationError:
                log.warning("user %s does not fit", row["id"])
        return users

    @app.get("/users/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow("SELECT * FROM users WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such user")
        try:
            return User(**row)
        except ValidationError as error:
            raise HTTPException(500, error.errors(include_url=False)) from error

    return app
