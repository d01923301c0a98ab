import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    app = FastAPI()

    @app.get("/time")
    async def time():
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as pool:
            await pool.fetchval("SELECT 1")
        return {"ok": True}

    return app
