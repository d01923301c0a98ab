import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    running: set[asyncio.Task] = set()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        # finish what has been accepted
        await asyncio.gather(*running, return_exceptions=True)

    def finished(task: asyncio.Task):
        running.discard(task)
        if error := task.exception():
            log.error("processing failed", exc_info=error)
        else:
            log.info("processing is done")

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(process(data))
        running.add(task)
        task.add_done_callback(finished)
        return {"status": "accepted"}

    return app
