from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field


class Measurement(BaseModel):
    taken_at: Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
    value: Annotated[Decimal, Field(max_digits=20, decimal_places=10)]
    tags: list[str]
    payload: dict[str, Any]


class Stored(Measurement):
    id: int


def exercise_6(dsn):
    pool = AsyncConnectionPool(
        dsn, min_size=1, max_size=4, open=False, kwargs={"row_factory": dict_row}
    )

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            yield

    app = FastAPI(lifespan=lifespan)

    async def one(sql, values):
        async with pool.connection() as conn:
            return await (await conn.execute(sql, values)).fetchone()

    @app.post("/measurements", status_code=201)
    async def add(new: Measurement) -> Stored:
        values = new.model_dump()
        row = await one(
            "INSERT INTO measurements (taken_at, value, tags, payload)"
            " VALUES (%(taken_at)s, %(value)s, %(tags)s, %(payload)s) RETURNING *",
            values,
        )
        return Stored(**row)

    @app.get("/measurements/{id}")
    async def read(id: int) -> Stored:
        row = await one("SELECT * FROM measurements WHERE id = %s", [id])
        if row is None:
            raise HTTPException(404)
        return Stored(**row)

    return app
