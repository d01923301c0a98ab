from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        except BaseException:
            with anyio.CancelScope(shield=True):
                await conn.close()
            raise
        await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with connection() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed") from None

    return app
