import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        async with connection() as conn:
            task = asyncio.create_task(conn.query(sql))
        try:
            return await task
        except Exception:
            raise HTTPException(502, "query failed")

    return app
