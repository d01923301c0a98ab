from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

current = None


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        global current
        if current is None:
            current = await connect()
        try:
            yield current
        finally:
            if current is not None:
                conn, current = current, None
                await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with connection() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
