import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    queue = asyncio.Queue()

    async def worker():
        try:
            while True:
                data = await queue.get()
                if data is None:
                    break
                await process(data)
                log.info("processed one item")
        except Exception:
            log.exception("processing failed")

    @asynccontextmanager
    async def lifespan(app):
        task = asyncio.create_task(worker())
        yield
        await queue.put(None)
        await task

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        await queue.put(data)
        return {"status": "accepted"}

    return app
