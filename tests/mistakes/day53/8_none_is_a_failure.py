from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        except Exception:
            print("query failed")
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        rows = None
        async with connection() as conn:
            rows = await conn.query(sql)
        if rows is None:
            raise HTTPException(502, "query failed")
        return rows

    return app
