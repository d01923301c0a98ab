import contextlib

from fastapi import FastAPI


def exercise_8(connect):
    app = FastAPI()

    @contextlib.asynccontextmanager
    async def db():
        conn = await connect()
        try:
            yield conn
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        try:
            async with db() as conn:
                rows = await conn.query(sql)
            return rows
        except Exception:
            return {"error": "query failed", "status": 502}

    return app
