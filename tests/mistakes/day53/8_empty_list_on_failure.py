from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def open_connection():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with open_connection() as conn:
                return await conn.query(sql)
        except Exception as e:
            print("query failed:", e)
            return []

    return app
