import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def work(data):
        try:
            await process(data)
        except Exception:
            log.exception("processing failed")
        else:
            log.error("processed")

    @app.post("/process", status_code=202)
    async def accept(data: dict, tasks: BackgroundTasks):
        tasks.add_task(work, data)
        return {"status": "accepted"}

    return app
