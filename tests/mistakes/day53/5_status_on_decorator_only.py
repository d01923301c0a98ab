import logging

from fastapi import FastAPI, status
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=status.HTTP_202_ACCEPTED)
    async def accept(data: dict):
        return JSONResponse({"status": "accepted"}, background=BackgroundTask(run, data))

    return app
