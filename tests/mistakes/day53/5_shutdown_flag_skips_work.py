import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    queue = asyncio.Queue()
    stopping = asyncio.Event()

    async def worker():
        while not stopping.is_set():
            data = await queue.get()
            if data is None:
                return
            try:
                await process(data)
                logger.info("done")
            except Exception:
                logger.exception("failed")

    @asynccontextmanager
    async def lifespan(app):
        task = asyncio.create_task(worker())
        yield
        stopping.set()
        queue.put_nowait(None)
        await task

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        queue.put_nowait(data)
        return {"status": "accepted"}
    return app
