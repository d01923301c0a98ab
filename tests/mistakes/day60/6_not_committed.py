import asyncio
import json
from contextlib import asynccontextmanager, suppress

import psycopg
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel


class Price(BaseModel):
    sku: str
    price: float


def exercise_6(dsn):
    clients = []
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=5, open=False)

    async def connect():
        conn = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
        await conn.execute("LISTEN prices")
        return conn

    async def keep_listening(conn):
        while True:
            with suppress(psycopg.OperationalError):
                async with conn:
                    async for notice in conn.notifies():
                        for queue in clients:
                            queue.put_nowait(notice.payload)
            pause, conn = 1, None
            while conn is None:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 30)
                with suppress(psycopg.OperationalError):
                    conn = await connect()

    @asynccontextmanager
    async def lifespan(app):
        async with pool:
            listening = asyncio.create_task(keep_listening(await connect()))
            yield
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    app = FastAPI(lifespan=lifespan)

    async def events(queue):
        try:
            while True:
                yield f"data: {await queue.get()}\n\n"
        finally:
            clients.remove(queue)

    @app.get("/prices/stream")
    async def stream():
        queue = asyncio.Queue()
        clients.append(queue)
        return StreamingResponse(events(queue), media_type="text/event-stream")

    @app.post("/prices", status_code=201)
    async def store(price: Price):
        conn = await pool.getconn()
        try:
            await conn.execute(
                "INSERT INTO prices VALUES (%s, %s)"
                " ON CONFLICT (sku) DO UPDATE SET price = excluded.price",
                [price.sku, price.price],
            )
            await conn.execute("SELECT pg_notify('prices', %s)", [json.dumps(price.model_dump())])
        finally:
            await pool.putconn(conn)
        return price

    return app
