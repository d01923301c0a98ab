from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request


def exercise_8(connect):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        conn = await connect()
        try:
            yield {"conn": conn}
        finally:
            await conn.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/query")
    async def query(sql: str, request: Request):
        try:
            return await request.state.conn.query(sql)
        except Exception:
            raise HTTPException(502, "query failed")

    return app
