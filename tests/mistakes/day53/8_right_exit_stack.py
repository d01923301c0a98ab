from contextlib import AsyncExitStack

from fastapi import FastAPI, HTTPException


def exercise_8(connect):
    app = FastAPI()

    @app.get("/query")
    async def query(sql: str):
        async with AsyncExitStack() as stack:
            conn = await connect()
            stack.push_async_callback(conn.close)
            try:
                return await conn.query(sql)
            except Exception:
                raise HTTPException(502, "the query failed")

    return app
