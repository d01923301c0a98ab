import logging

from fastapi import BackgroundTasks, FastAPI
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

log = logging.getLogger("day53")


async def audit(what):
    logging.getLogger("audit").info("accepted %s", what)


def exercise_5(process):
    app = FastAPI()

    async def process_and_log(data):
        try:
            await process(data)
            log.info("processing done")
        except Exception:
            log.exception("processing failed")

    @app.post("/process")
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(process_and_log, data)
        return JSONResponse(
            {"status": "accepted"},
            status_code=202,
            background=BackgroundTask(audit, "data"),
        )

    return app
