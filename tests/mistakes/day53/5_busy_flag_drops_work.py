import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()
    state = {"busy": False}

    async def run(data):
        if state["busy"]:
            log.info("already running")
            return
        state["busy"] = True
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")
        finally:
            state["busy"] = False

    @app.post("/process", status_code=202)
    async def accept(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
