from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator


class Transfer(BaseModel):
    source: Annotated[int, Field(alias="from")]
    target: Annotated[int, Field(alias="to")]
    amount: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def differ(self):
        if self.source == self.target:
            raise ValueError("that is the same account")
        return self


def exercise_4(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        async with app.state.pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT 1 FROM accounts ORDER BY id FOR UPDATE")
            source = await conn.fetchval(
                "SELECT balance FROM accounts WHERE id = $1", transfer.source
            )
            if source is None:
                return JSONResponse({}, 404)
            if source < transfer.amount:
                known = "SELECT count(*) FROM accounts WHERE id = $1"
                there = await conn.fetchval(known, transfer.target)
                return JSONResponse({}, 409 if there else 404)
            add = "UPDATE accounts SET balance = balance + $1 WHERE id = $2"
            await conn.execute(add, -transfer.amount, transfer.source)
            if await conn.execute(add, transfer.amount, transfer.target) == "UPDATE 0":
                return JSONResponse({}, 404)
        return transfer

    return app
