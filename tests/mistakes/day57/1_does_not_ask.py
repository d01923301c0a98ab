from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        async with app.state.pool.acquire():
            pass
        return {"ok": True}

    return app
