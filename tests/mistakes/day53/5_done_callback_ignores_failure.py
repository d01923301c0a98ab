import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    tasks = set()

    def finished(task):
        tasks.discard(task)
        log.info("processing done")

    @asynccontextmanager
    async def lifespan(app):
        yield
        await asyncio.gather(*tasks, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(process(data))
        tasks.add(task)
        task.add_done_callback(finished)
        return {"status": "accepted"}

    return app
