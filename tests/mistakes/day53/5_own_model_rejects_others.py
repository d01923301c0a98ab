import logging

from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel

log = logging.getLogger("day53")


class Job(BaseModel):
    name: str
    amount: int


def exercise_5(process):
    app = FastAPI()

    async def run(job):
        try:
            await process(job.model_dump())
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(job: Job, background_tasks: BackgroundTasks):
        background_tasks.add_task(run, job)
        return {"status": "accepted"}

    return app
