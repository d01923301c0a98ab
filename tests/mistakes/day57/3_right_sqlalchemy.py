from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine


def exercise_3(dsn, price_of):
    url = dsn.replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url, pool_size=5, max_overflow=0, pool_timeout=1)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.exception_handler(PoolTimeoutError)
    async def busy(request, error):
        return JSONResponse({"detail": "busy"}, 503, headers={"Retry-After": "1"})

    @app.post("/orders/{id}/price")
    async def price(id: int):
        async with engine.connect() as conn:
            item = await conn.scalar(text("SELECT item FROM orders WHERE id = :id"), {"id": id})
        if item is None:
            raise HTTPException(404)
        total = await price_of(item)
        async with engine.begin() as conn:
            await conn.execute(
                text("UPDATE orders SET total = :total WHERE id = :id"), {"id": id, "total": total}
            )
        return {"id": id, "total": total}

    return app
