import logging
from typing import Any

from fastapi import BackgroundTasks, Body, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(background_tasks: BackgroundTasks, data: Any = Body()):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
