from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @asynccontextmanager
    async def connection():
        conn = await connect()
        try:
            yield conn
        except Exception as error:
            raise HTTPException(502, "upstream failure") from error
        finally:
            await conn.close()

    @app.get("/query")
    async def query(sql: str):
        async with connection() as conn:
            return await conn.query(sql)

    return app
