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
                rows = await conn.query(sql)
                return {"rows": rows, "count": len(rows or [])}
        except Exception:
            raise HTTPException(502, "query failed")

    return app
