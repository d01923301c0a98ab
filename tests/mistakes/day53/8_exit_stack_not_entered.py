from contextlib import AsyncExitStack

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        stack = AsyncExitStack()
        conn = await connect()
        stack.push_async_callback(conn.close)
        try:
            return await conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
