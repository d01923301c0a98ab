from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from psycopg.errors import CheckViolation
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, Field


class Transfer(BaseModel):
    source: Annotated[int, Field(alias="from")]
    target: Annotated[int, Field(alias="to")]
    amount: Annotated[int, Field(gt=0)]


def exercise_4(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        if transfer.source == transfer.target:
            raise HTTPException(422, "that is the same account")
        changes = {transfer.source: -transfer.amount, transfer.target: transfer.amount}
        try:
            async with app.state.pool.connection() as conn:
                known = await conn.execute(
                    "SELECT id FROM accounts WHERE id = ANY(%s)", [list(changes)]
                )
                if len(await known.fetchall()) < 2:
                    raise HTTPException(404, "no such account")
                for account in sorted(changes):
                    await conn.execute(
                        "UPDATE accounts SET balance = balance + %s WHERE id = %s",
                        [changes[account], account],
                    )
        except CheckViolation:
            raise HTTPException(409, "too little") from None
        return transfer

    return app
