from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


class Transfer(BaseModel):
    source: Annotated[int, Field(alias="from")]
    target: Annotated[int, Field(alias="to")]
    amount: Annotated[int, Field(gt=0)]


def exercise_4(dsn):
    engine = create_async_engine(dsn.replace("postgresql:", "postgresql+asyncpg:"))

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/transfers", status_code=201)
    async def transfer(transfer: Transfer):
        if transfer.source == transfer.target:
            raise HTTPException(422)
        values = {"a": transfer.source, "b": transfer.target, "amount": transfer.amount}
        both = "SELECT id, balance FROM accounts WHERE id IN (:a, :b) ORDER BY id FOR UPDATE"
        async with engine.connect() as conn:
            rows = await conn.execute(text(both), values)
            held = dict(map(tuple, rows))
            if len(held) < 2:
                raise HTTPException(404)
            if held[transfer.source] < transfer.amount:
                raise HTTPException(409)
            await conn.execute(
                text(
                    "UPDATE accounts SET balance = balance"
                    " + CASE id WHEN :a THEN -CAST(:amount AS int)"
                    " ELSE CAST(:amount AS int) END WHERE id IN (:a, :b)"
                ),
                values,
            )
        return transfer

    return app
