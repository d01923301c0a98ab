from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel


class NewUser(BaseModel):
    username: str
    email: str


class Change(BaseModel):
    version: int
    username: str = ""
    email: str = ""


SHOWN = "id, username, email, version"


def taken(error):
    field = "email" if error.constraint_name == "users_email_key" else "username"
    return JSONResponse({"taken": field}, 409)


def exercise_4(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/users", status_code=201)
    async def add(user: NewUser):
        try:
            row = await app.state.pool.fetchrow(
                f"INSERT INTO users (username, email) VALUES ($1, $2) RETURNING {SHOWN}",
                user.username,
                user.email,
            )
        except asyncpg.UniqueViolationError as error:
            return taken(error)
        return dict(row)

    @app.get("/users/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow(
            f"SELECT {SHOWN} FROM users WHERE id = $1 AND is_active", id
        )
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.patch("/users/{id}")
    async def change(id: int, change: Change):
        sent = change.model_dump(exclude_unset=True)
        try:
            row = await app.state.pool.fetchrow(
                "UPDATE users SET version = version + 1"
                " WHERE id = $1 AND is_active AND version = $2 RETURNING id",
                id,
                change.version,
            )
            row = row and await app.state.pool.fetchrow(
                "UPDATE users SET username = coalesce($2, username), email = coalesce($3, email)"
                f" WHERE id = $1 RETURNING {SHOWN}",
                id,
                sent.get("username"),
                sent.get("email"),
            )
        except asyncpg.UniqueViolationError as error:
            return taken(error)
        if row is None:
            await read(id)
            raise HTTPException(409, "it has changed")
        return dict(row)

    @app.delete("/users/{id}", status_code=204)
    async def remove(id: int):
        done = await app.state.pool.execute(
            "UPDATE users SET is_active = false WHERE id = $1 AND is_active", id
        )
        if done != "UPDATE 1":
            raise HTTPException(404)

    return app
