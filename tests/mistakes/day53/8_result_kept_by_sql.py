from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()
    cache = {}

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        if sql in cache:
            return cache[sql]
        try:
            async with connection() as conn:
                cache[sql] = await conn.query(sql)
                return cache[sql]
        except Exception:
            raise HTTPException(502, "the query failed")

    return app
