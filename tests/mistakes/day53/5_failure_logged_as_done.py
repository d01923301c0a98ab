import contextlib
import logging

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def task(data):
        with contextlib.suppress(Exception):
            await process(data)
        log.info("processing of %d fields is done", len(data))

    @app.post("/process")
    async def accept(data: dict):
        return JSONResponse(
            {"status": "accepted"}, status_code=202, background=BackgroundTask(task, data)
        )

    return app
