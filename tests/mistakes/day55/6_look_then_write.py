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
        row = await conn.fetchrow("SELECT * FROM seats WHERE id = $1", id)
        if row is None:
            raise HTTPException(404, "no such seat")
        if row["taken_by"] not in (None, taker.name):
            raise HTTPException(409, "taken")
        await conn.execute("UPDATE seats SET taken_by = $1 WHERE id = $2", taker.name, id)
        return {"id": id, "taken_by": taker.name}

    return app
