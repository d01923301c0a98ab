from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, HTTPException
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
            moved = await conn.execute(
                "WITH pair AS (SELECT id, balance FROM accounts WHERE id IN ($1, $2)"
                " ORDER BY id FOR UPDATE)"
                " UPDATE accounts SET balance = accounts.balance"
                " + CASE accounts.id WHEN $1 THEN -$3::int ELSE $3::int END"
                " FROM pair WHERE accounts.id = pair.id AND (SELECT count(*) FROM pair) = 2"
                " AND (SELECT balance FROM pair WHERE id = $1) >= $3::int",
                transfer.source,
                transfer.target,
                transfer.amount,
            )
            if moved == "UPDATE 2":
                return transfer
            known = await conn.fetchval(
                "SELECT count(*) FROM accounts WHERE id IN ($1, $2)",
                transfer.source,
                transfer.target,
            )
            raise HTTPException(409 if known == 2 else 404)

    return app
