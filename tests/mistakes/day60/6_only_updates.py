import asyncio
from contextlib import asynccontextmanager, suppress

import asyncpg
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel


class Price(BaseModel):
    sku: str
    price: float


def exercise_6(dsn):
    clients = set()

    def tell(conn, pid, channel, payload):
        for queue in clients:
            queue.put_nowait(payload)

    async def connect():
        lost = asyncio.Event()
        conn = await asyncpg.connect(dsn)
        conn.add_termination_listener(lambda conn: lost.set())
        await conn.add_listener("prices", tell)
        return conn, lost

    async def keep_listening(conn, lost):
        try:
            while True:
                await lost.wait()
                pause = 1
                while lost.is_set():
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 30)
                    try:
                        conn, lost = await connect()
                    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                        pass
        finally:
            await conn.close()

    @asynccontextmanager
    async def lifespan(app):
        app.state.pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
        task = asyncio.create_task(keep_listening(*await connect()))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await app.state.pool.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/prices/stream", response_class=EventSourceResponse)
    async def stream():
        queue = asyncio.Queue()
        clients.add(queue)
        try:
            while True:
                yield ServerSentEvent(raw_data=await queue.get())
        finally:
            clients.discard(queue)

    @app.post("/prices", status_code=201)
    async def store(price: Price):
        payload = price.model_dump_json()
        async with app.state.pool.acquire() as conn:
            async with conn.transaction():
                await conn.execute(
                    "UPDATE prices SET price = $2 WHERE sku = $1",
                    price.sku,
                    price.price,
                )
                await conn.execute("SELECT pg_notify('prices', $1)", payload)
        return price

    return app
