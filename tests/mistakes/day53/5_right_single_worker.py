import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    queue: asyncio.Queue = asyncio.Queue()

    async def worker():
        while (data := await queue.get()) is not None:
            try:
                await process(data)
            except Exception:
                logger.exception("processing failed")
            else:
                logger.info("processing done, %d waiting", queue.qsize())

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        task = asyncio.create_task(worker())
        yield
        queue.put_nowait(None)
        await task

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        await queue.put(data)
        return {"status": "accepted"}

    return app
