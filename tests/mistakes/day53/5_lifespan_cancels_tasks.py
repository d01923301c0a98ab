import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    tasks: set[asyncio.Task] = set()

    @asynccontextmanager
    async def lifespan(app):
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    async def work(data):
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(work(data))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return {"status": "accepted"}

    return app
