from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def transaction():
        async with app.state.pool.acquire() as conn:
            try:
                async with conn.transaction():
                    yield conn
            except asyncpg.UniqueViolationError as error:
                raise HTTPException(409, "you have a seat") from error

    @app.post("/seats/{id}", status_code=201)
    async def take(
        id: int,
        taker: Taker,
        conn: Annotated[asyncpg.Connection, Depends(transaction, scope="function")],
    ):
        row = await conn.fetchrow(
            "UPDATE seats SET taken_by = $2"
            " WHERE id = $1 AND (taken_by IS NULL OR taken_by = $2) RETURNING id, taken_by",
            id,
            taker.name,
        )
        if row is None:
            if await conn.fetchval("SELECT 1 FROM seats WHERE id = $1", id):
                raise HTTPException(409, "taken")
            raise HTTPException(404, "no such seat")
        return dict(row)

    return app
