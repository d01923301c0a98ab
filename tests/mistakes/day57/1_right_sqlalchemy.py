from contextlib import asynccontextmanager

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine


def exercise_1(dsn):
    url = dsn.replace("postgresql://", "postgresql+asyncpg://")

    @asynccontextmanager
    async def lifespan(app):
        app.state.engine = create_async_engine(url, pool_size=5, max_overflow=0)
        yield
        await app.state.engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with app.state.engine.connect() as conn:
            await conn.execute(select(1))
        return {"ok": True}

    return app
