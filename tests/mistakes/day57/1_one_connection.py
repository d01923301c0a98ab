from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.connect(dsn)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/time")
    async def time():
        await app.state.pool.fetchval("SELECT 1")
        return {"ok": True}

    return app
