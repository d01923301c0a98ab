import json
from contextlib import asynccontextmanager
from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, Field


class Measurement(BaseModel):
    taken_at: AwareDatetime
    value: Annotated[Decimal, Field(max_digits=20, decimal_places=10)]
    tags: list[str]
    payload: dict[str, Any]


def shown(row):
    return {
        "id": row["id"],
        "taken_at": row["taken_at"].astimezone(UTC),
        "value": str(row["value"]),
        "tags": row["tags"],
        "payload": row["payload"],
    }


async def prepare(conn):
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(
            dsn, min_size=1, max_size=5, init=prepare
        ) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/measurements", status_code=201)
    async def add(new: Measurement):
        row = await app.state.pool.fetchrow(
            "INSERT INTO measurements (taken_at, value, tags, payload)"
            " VALUES ($1, $2, $3, $4) RETURNING *",
            new.taken_at,
            new.value,
            new.tags,
            new.payload,
        )
        return {k: v for k, v in shown(row).items() if k != "id"}

    @app.get("/measurements/{id}")
    async def read(id: int):
        row = await app.state.pool.fetchrow("SELECT * FROM measurements WHERE id = $1", id)
        if row is None:
            raise HTTPException(404)
        return shown(row)

    return app
