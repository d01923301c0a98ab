import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import Body, FastAPI, HTTPException
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolIsFull
from sqlalchemy.ext.asyncio import create_async_engine

log = logging.getLogger("day59.stock")


def exercise_3(dsn):
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"),
        pool_size=5,
        max_overflow=0,
        pool_timeout=1,
    )

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def row_of(statement, **values):
        try:
            async with engine.begin() as connection:
                row = (await connection.execute(text(statement), values)).mappings().first()
        except PoolIsFull:
            raise HTTPException(503, headers={"Retry-After": "3"})
        if row is None:
            raise HTTPException(404)
        return dict(row)

    @app.get("/stock/{sku}")
    async def read(sku: str):
        pauses = [0.2, 0.1]
        while True:
            try:
                return await row_of("SELECT sku, quantity FROM stock WHERE sku = :sku", sku=sku)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    log.error("cannot read", exc_info=True)
                    raise HTTPException(500)
                if not pauses:
                    raise HTTPException(503)
            await asyncio.sleep(pauses.pop())

    @app.post("/stock/{sku}")
    async def change(sku: str, change: int = Body(embed=True)):
        try:
            return await row_of(
                "UPDATE stock SET quantity = quantity + :change WHERE sku = :sku"
                " RETURNING sku, quantity",
                sku=sku,
                change=change,
            )
        except DBAPIError:
            raise HTTPException(503)

    return app
