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
        try:
            async with connection() as conn:
                return await conn.query("select 42 as answer")
        except Exception:
            raise HTTPException(502, "the query failed")

    return app
