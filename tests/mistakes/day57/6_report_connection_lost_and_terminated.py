import asyncio
import json
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

SQL = "SELECT id, sensor, value FROM readings ORDER BY id"


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=5)
        yield
        app.state.pool.terminate()

    app = FastAPI(lifespan=lifespan)
    slots = asyncio.Semaphore(3)

    async def cursor():
        if slots.locked():
            raise HTTPException(503, "too many exports")
        async with slots, app.state.pool.acquire() as conn, conn.transaction():
            yield conn.cursor(SQL, prefetch=100)

    @app.get("/export")
    async def export(rows: Annotated[Any, Depends(cursor)]):
        async def lines():
            async for row in rows:
                yield json.dumps(dict(row)) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.get("/report")
    async def report():
        try:
            async with asyncio.timeout(2):
                conn = await app.state.pool.acquire()
                total = await conn.fetchval("SELECT total FROM slow_report")
                await app.state.pool.release(conn)
        except TimeoutError:
            raise HTTPException(504, "too slow") from None
        return {"total": total}

    return app
