import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def wrapped(data):
        try:
            await process(data)
        finally:
            log.info("processing done")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(wrapped, data)
        return {"status": "accepted"}

    return app
