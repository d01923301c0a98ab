from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = None
        yield
        if app.state.pool:
            await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    async def get_pool():
        if app.state.pool is None:
            app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        return app.state.pool

    @app.get("/time")
    async def time():
        pool = await get_pool()
        async with pool.acquire() as conn:
            await conn.fetchval("SELECT 1")
        return {"ok": True}

    return app
