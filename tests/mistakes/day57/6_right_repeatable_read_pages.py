import asyncio
import json
from contextlib import aclosing, asynccontextmanager

import asyncpg
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse


def exercise_6(dsn):
    @asynccontextmanager
    async def lifespan(app):
        async with asyncpg.create_pool(dsn, min_size=1, max_size=5) as app.state.pool:
            yield

    app = FastAPI(lifespan=lifespan)
    slots = asyncio.Semaphore(3)

    async def readings():
        last = -1
        async with (
            app.state.pool.acquire() as conn,
            conn.transaction(isolation="repeatable_read", readonly=True),
        ):
            sql = "SELECT id, sensor, value FROM readings WHERE id > $1 ORDER BY id LIMIT 100"
            while rows := await conn.fetch(sql, last):
                for row in rows:
                    yield json.dumps(dict(row)) + "\n"
                last = rows[-1]["id"]

    @app.get("/export")
    async def export():
        if slots.locked():
            raise HTTPException(503, "too many exports")
        await slots.acquire()

        async def lines():
            try:
                async with aclosing(readings()) as found:
                    async for line in found:
                        yield line
            finally:
                slots.release()

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
