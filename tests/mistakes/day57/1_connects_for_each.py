import asyncpg
from fastapi import FastAPI


def exercise_1(dsn):
    app = FastAPI()

    @app.get("/time")
    async def time():
        conn = await asyncpg.connect(dsn)
        try:
            await conn.fetchval("SELECT 1")
        finally:
            await conn.close()
        return {"ok": True}

    return app
