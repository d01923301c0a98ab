from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def opened():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            with opened() as conn:
                return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed") from None

    return app
