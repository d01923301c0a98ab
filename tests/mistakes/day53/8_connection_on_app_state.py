from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        app.state.conn = await connect()
        try:
            yield
        finally:
            await app.state.conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with connection():
                return await app.state.conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
