from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class Taker(BaseModel):
    name: str


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.post("/seats/{id}", status_code=201)
    async def take(id: int, taker: Taker):
        async with app.state.pool.acquire() as conn:
            try:
                async with conn.transaction():
                    row = await conn.fetchrow("SELECT * FROM seats WHERE id = $1 FOR UPDATE", id)
                    if not row:
                        raise HTTPException(404)
                    if row["taken_by"] is not None and row["taken_by"] != taker.name:
                        raise HTTPException(409)
                    await conn.execute("UPDATE seats SET taken_by=$2 WHERE id=$1", id, taker.name)
            except asyncpg.UniqueViolationError:
                raise HTTPException(409) from None
        return {"id": id, "taken_by": taker.name}

    return app
