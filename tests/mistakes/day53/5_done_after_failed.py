import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
        except Exception:
            log.exception("failed")
        finally:
            log.info("done")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
