import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    tasks = set()

    @asynccontextmanager
    async def lifespan(app):
        yield
        await asyncio.wait(tasks)

    app = FastAPI(lifespan=lifespan)

    async def run(data):
        try:
            await process(data)
            logger.info("done")
        except Exception:
            logger.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(run(data))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return {"status": "accepted"}

    return app
