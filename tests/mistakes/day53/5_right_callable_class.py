import logging

from fastapi import APIRouter, BackgroundTasks, Body, FastAPI


class LoggedProcess:
    def __init__(self, process, name="day53"):
        self._process = process
        self._log = logging.getLogger(name)

    async def __call__(self, data):
        self._log.debug("starting")
        try:
            await self._process(data)
        except Exception:
            self._log.exception("processing failed")
        else:
            self._log.info("processing is done")


def exercise_5(process):
    job = LoggedProcess(process)
    router = APIRouter()

    @router.post("/process", status_code=202)
    async def accept(tasks: BackgroundTasks, data: dict = Body()):
        tasks.add_task(job, data)
        return {"status": "accepted"}

    app = FastAPI()
    app.include_router(router)
    return app
