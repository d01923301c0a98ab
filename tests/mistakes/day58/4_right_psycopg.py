from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from psycopg import sql
from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, field_validator


class NewUser(BaseModel):
    username: str
    email: str


class Change(BaseModel):
    version: int
    username: str | None = None
    email: str | None = None

    @field_validator("username", "email")
    @classmethod
    def not_null(cls, value):
        if value is None:
            raise ValueError("null is not a value for this")
        return value


class Users:
    def __init__(self, pool):
        self.pool = pool

    async def one(self, query, values):
        async with self.pool.connection() as conn:
            return await (await conn.execute(query, values)).fetchone()

    async def add(self, user):
        return await self.one(
            "INSERT INTO users (username, email) VALUES (%(username)s, %(email)s) RETURNING *",
            user.model_dump(),
        )

    async def get(self, id):
        return await self.one("SELECT * FROM users WHERE id = %s AND is_active", [id])

    async def change(self, id, version, changes):
        columns = [sql.SQL("{} = {}").format(sql.Identifier(k), sql.Placeholder(k)) for k in changes]
        query = sql.SQL(
            "UPDATE users SET {}, version = version + 1"
            " WHERE id = %(id)s AND version = %(version)s AND is_active RETURNING *"
        ).format(sql.SQL(", ").join(columns))
        return await self.one(query, {**changes, "id": id, "version": version})

    async def remove(self, id):
        return await self.one(
            "UPDATE users SET is_active = false WHERE id = %s AND is_active RETURNING *", [id]
        )


class Shown(BaseModel):
    id: int
    username: str
    email: str
    version: int


def exercise_4(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=2, max_size=4, open=False, kwargs={"row_factory": dict_row}
    )
    users = Users(pool)

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(UniqueViolation)
    async def taken(request, error):
        field = error.diag.constraint_name.removeprefix("users_").removesuffix("_key")
        return JSONResponse({"taken": field}, 409)

    def found(user):
        if user is None:
            raise HTTPException(404)
        return user

    @app.post("/users", status_code=201)
    async def add(user: NewUser) -> Shown:
        return await users.add(user)

    @app.get("/users/{id}")
    async def read(id: int) -> Shown:
        return found(await users.get(id))

    @app.patch("/users/{id}")
    async def change(id: int, change: Change) -> Shown:
        sent = change.model_dump(exclude_unset=True, exclude={"version"})
        changed = await users.change(id, change.version, sent)
        if changed is None:
            found(await users.get(id))
            raise HTTPException(409)
        return changed

    @app.delete("/users/{id}", status_code=204)
    async def remove(id: int):
        found(await users.remove(id))

    return app
