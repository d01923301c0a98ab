import asyncio
import json
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

SQL = text("SELECT id, sensor, value FROM readings ORDER BY id")


def exercise_6(dsn):
    url = dsn.replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url, pool_size=5, max_overflow=0)
    slots = asyncio.BoundedSemaphore(3)

    @asynccontextmanager
    async def lifespan(app):
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def lines():
        try:
            async with engine.connect() as conn:
                result = await conn.stream(SQL, execution_options={"yield_per": 100})
                async for rows in result.mappings().partitions(100):
                    yield "".join(json.dumps(dict(row)) + "\n" for row in rows)
        finally:
            slots.release()

    @app.get("/export")
    async def export():
        if slots.locked():
            raise HTTPException(503)
        await slots.acquire()
        return StreamingResponse(lines())

    @app.get("/report")
    async def report():
        try:
            async with asyncio.timeout(2):
                async with engine.connect() as conn:
                    return {"total": await conn.scalar(text("SELECT total FROM slow_report"))}
        except TimeoutError:
            raise HTTPException(504) from None

    return app
