import asyncio
import json
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse

SQL = "SELECT id, sensor, value FROM readings ORDER BY id"


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)

    exports = 0

    @app.get("/export")
    async def export():
        nonlocal exports
        if exports >= 3:
            raise HTTPException(503, "too many exports")
        conn = await app.state.pool.acquire()
        await conn.execute("SET application_name = 'export'")
        exports += 1

        async def lines():
            nonlocal exports
            try:
                async with conn.transaction():
                    async for row in conn.cursor(SQL, prefetch=100):
                        yield json.dumps(dict(row)) + "\n"
            finally:
                exports -= 1
                await app.state.pool.release(conn)

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    @app.get("/report")
    async def report():
        try:
            async with asyncio.timeout(2):
                async with app.state.pool.acquire() as conn:
                    total = await conn.fetchval("SELECT total FROM slow_report")
        except TimeoutError:
            raise HTTPException(504, "too slow") from None
        return {"total": total}

    return app
