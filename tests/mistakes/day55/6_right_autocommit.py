from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from psycopg import AsyncConnection
from psycopg.errors import UniqueViolation
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=4, open=False, kwargs={"row_factory": dict_row, "autocommit": True}
    )

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def transaction():
        try:
            async with pool.connection() as conn:
                yield conn
        except UniqueViolation as error:
            raise HTTPException(409, "you have a seat") from error

    @app.post("/seats/{id}", status_code=201)
    async def take(
        id: int,
        taker: Taker,
        conn: Annotated[AsyncConnection, Depends(transaction, scope="function")],
    ):
        found = await conn.execute(
            "UPDATE seats SET taken_by = %(name)s"
            " WHERE id = %(id)s AND coalesce(taken_by, %(name)s) = %(name)s"
            " RETURNING id, taken_by",
            {"id": id, "name": taker.name},
        )
        if row := await found.fetchone():
            return row
        found = await conn.execute("SELECT 1 FROM seats WHERE id = %s", [id])
        raise HTTPException(409 if await found.fetchone() else 404)

    return app
