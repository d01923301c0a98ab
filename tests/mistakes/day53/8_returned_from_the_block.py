from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def manage():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    async def get_connection():
        async with manage() as conn:
            return conn

    @app.get("/query")
    async def query(sql: str, conn=Depends(get_connection)):
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
