import logging

from fastapi import BackgroundTasks, FastAPI, status
from pydantic import BaseModel, ConfigDict

log = logging.getLogger("day53")


class AnyObject(BaseModel):
    model_config = ConfigDict(extra="allow")


class Accepted(BaseModel):
    status: str = "accepted"


def exercise_5(process):
    app = FastAPI()

    async def work(data: dict):
        try:
            await process(data)
            log.info("finished")
        except Exception:
            log.exception("not finished")

    @app.post("/process", status_code=status.HTTP_202_ACCEPTED, response_model=Accepted)
    def accept(body: AnyObject, tasks: BackgroundTasks):
        tasks.add_task(work, body.model_dump())
        return Accepted()

    return app
