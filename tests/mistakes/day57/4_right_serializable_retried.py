from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field, model_validator
from tenacity import retry, retry_if_exception_type, stop_after_attempt

CONFLICT = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


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

    @retry(retry=retry_if_exception_type(CONFLICT), stop=stop_after_attempt(3), reraise=True)
    async def move(transfer):
        pool = app.state.pool
        async with pool.acquire() as conn, conn.transaction(isolation="serializable"):
            rows = await conn.fetch(
                "SELECT id, balance FROM accounts WHERE id IN ($1, $2)",
                transfer.source,
                transfer.target,
            )
            held = dict(map(tuple, rows))
            if len(held) < 2:
                raise HTTPException(404)
            if held[transfer.source] < transfer.amount:
                raise HTTPException(409)
            change = "UPDATE accounts SET balance = $2 WHERE id = $1"
            await conn.execute(change, transfer.source, held[transfer.source] - transfer.amount)
            await conn.execute(change, transfer.target, held[transfer.target] + transfer.amount)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        await move(transfer)
        return transfer.model_dump(by_alias=True)

    return app
