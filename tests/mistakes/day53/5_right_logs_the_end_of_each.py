import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        log.info("begins: %s", data)
        try:
            await process(data)
        except Exception:
            log.exception("failed: %s", data)
        else:
            log.info("done: %s", data)
        finally:
            log.debug("next, please")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
