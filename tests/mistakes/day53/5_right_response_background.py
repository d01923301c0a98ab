import logging
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import RootModel
from starlette.background import BackgroundTask

log = logging.getLogger("day53")


class Payload(RootModel[dict[str, Any]]):
    pass


async def log_outcome(work, data):
    try:
        await work(data)
    except Exception:
        log.exception("failed to process %d fields", len(data))
    else:
        log.info("processed %d fields", len(data))


def exercise_5(process):
    app = FastAPI()

    @app.post("/process")
    async def accept(payload: Payload):
        return JSONResponse(
            {"status": "accepted"},
            status_code=202,
            background=BackgroundTask(log_outcome, process, payload.root),
        )

    return app
