import asyncio
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    lock = asyncio.Lock()

    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = None
        yield
        if app.state.pool:
            await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with lock:
            if app.state.pool is None:
                app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        await app.state.pool.fetchval("SELECT 1")
        return {"ok": True}

    return app
