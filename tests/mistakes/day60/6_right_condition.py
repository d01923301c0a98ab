import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel


class Price(BaseModel):
    sku: str
    price: float


class Feed:
    """What was told, for those who read along."""

    def __init__(self):
        self.told = []
        self.news = asyncio.Condition()

    async def add(self, payload):
        async with self.news:
            self.told.append(payload)
            self.news.notify_all()

    async def after(self, place):
        while True:
            async with self.news:
                await self.news.wait_for(lambda: len(self.told) > place)
            while place < len(self.told):
                yield f"data: {self.told[place]}\n\n"
                place += 1


def exercise_6(dsn):
    feed = Feed()

    async def listen(lost):
        conn = await asyncpg.connect(dsn)
        conn.add_termination_listener(lost.put_nowait)

        async def hear(conn, pid, channel, payload):
            await feed.add(payload)

        await conn.add_listener("prices", hear)
        return conn

    async def watch(conn, lost):
        while True:
            await lost.get()
            for pause in (1, 2, 4, 8, 16, *[30] * 1000):
                await asyncio.sleep(pause)
                try:
                    conn = await listen(lost)
                    break
                except (OSError, asyncpg.PostgresError):
                    continue

    @asynccontextmanager
    async def lifespan(app):
        async with AsyncExitStack() as stack:
            app.state.pool = await stack.enter_async_context(asyncpg.create_pool(dsn, min_size=2))
            lost = asyncio.Queue()
            watching = asyncio.create_task(watch(await listen(lost), lost))
            yield
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.get("/prices/stream")
    async def stream():
        return StreamingResponse(feed.after(len(feed.told)), media_type="text/event-stream")

    @app.post("/prices", status_code=201)
    async def store(price: Price):
        async with app.state.pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_notify('prices', $1)", price.model_dump_json())
            await conn.execute(
                "INSERT INTO prices (sku, price) VALUES ($1, $2)"
                " ON CONFLICT (sku) DO UPDATE SET price = $2",
                price.sku,
                price.price,
            )
        return price

    return app
