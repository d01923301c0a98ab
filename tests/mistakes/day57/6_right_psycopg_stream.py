import asyncio
import json
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

SQL = "SELECT id, sensor, value FROM readings ORDER BY id"


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with AsyncConnectionPool(dsn, min_size=1, max_size=6, open=False) as app.state.pool:
            app.state.exports = 0
            yield

    app = FastAPI(lifespan=lifespan)

    async def lines():
        try:
            async with (
                app.state.pool.connection() as conn,
                conn.cursor(row_factory=dict_row) as cursor,
            ):
                async for row in cursor.stream(SQL, size=100):
                    yield json.dumps(row) + "\n"
        finally:
            app.state.exports -= 1

    @app.get("/export")
    async def export():
        if app.state.exports >= 3:
            raise HTTPException(503, headers={"Retry-After": "10"})
        app.state.exports += 1
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def total():
        async with app.state.pool.connection() as conn:
            found = await conn.execute("SELECT total FROM slow_report")
            return (await found.fetchone())[0]

    @app.get("/report")
    async def report():
        try:
            return {"total": await asyncio.wait_for(total(), 2)}
        except TimeoutError as error:
            raise HTTPException(504) from error

    return app
