from contextlib import asynccontextmanager

from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool


def exercise_1(dsn):
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False)

    @asynccontextmanager
    async def lifespan(app):
        await pool.open()
        yield
        pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with pool.connection() as conn:
            await conn.execute("SELECT 1")
        return {"ok": True}

    return app
