from contextlib import asynccontextmanager, contextmanager

from fastapi import FastAPI, HTTPException


@contextmanager
def as_bad_gateway():
    try:
        yield
    except Exception:
        raise HTTPException(502, "the query failed") from None


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = None
        try:
            conn = await connect()
            yield conn
        finally:
            if conn is not None:
                await conn.close()

    @app.get("/query")
    async def query(sql: str):
        with as_bad_gateway():
            async with connection() as conn:
                return await conn.query(sql)

    return app
