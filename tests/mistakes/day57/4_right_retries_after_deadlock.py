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
        for _ in range(3):
            try:
                return await attempt(transfer)
            except asyncpg.DeadlockDetectedError:
                continue
        raise HTTPException(503)

    async def attempt(transfer):
        async with app.state.pool.acquire() as conn, conn.transaction():
            one = "SELECT id, balance FROM accounts WHERE id = $1 FOR UPDATE"
            found = [await conn.fetchrow(one, n) for n in (transfer.source, transfer.target)]
            rows = [row for row in found if row]
            balances = {row["id"]: row["balance"] for row in rows}
            if len(balances) < 2:
                raise HTTPException(404, "no such account")
            if balances[transfer.source] < transfer.amount:
                raise HTTPException(409, "too little")
            add = "UPDATE accounts SET balance = balance + $1 WHERE id = $2"
            await conn.execute(add, -transfer.amount, transfer.source)
            await conn.execute(add, transfer.amount, transfer.target)
        return transfer

    return app
