import logging

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def process_and_log(data):
        try:
            process(data)
            log.info("done: %s", data)
        except Exception:
            log.exception("failed: %s", data)

    @app.post("/process")
    async def accept(data: dict):
        task = BackgroundTask(process_and_log, data)
        return JSONResponse({"status": "accepted"}, 202, background=task)

    return app
