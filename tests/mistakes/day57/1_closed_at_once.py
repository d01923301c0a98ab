from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            app.state.pool = pool
        yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with app.state.pool.acquire() as conn:
            await conn.fetchval("SELECT 1")
        return {"ok": True}

    return app
