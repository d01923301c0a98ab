import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


def exercise_5(process):
    log = logging.getLogger("day53")

    async def guarded(data):
        try:
            await process(data)
            log.info("done: %r", data)
        except Exception:
            log.exception("failed: %r", data)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        async with asyncio.TaskGroup() as jobs:
            yield {"jobs": jobs}

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict, request: Request):
        request.state.jobs.create_task(guarded(data))
        return {"status": "accepted"}

    return app
