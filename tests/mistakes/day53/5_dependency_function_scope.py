import logging
from typing import Annotated

from fastapi import Depends, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def process_afterwards(data: dict):
        yield data
        try:
            await process(data)
        except Exception:
            log.exception("failed: %r", data)
        else:
            log.info("done: %r", data)

    Job = Annotated[dict, Depends(process_afterwards, scope="function")]

    @app.post("/process", status_code=202)
    async def accept(job: Job):
        return {"status": "accepted"}

    return app
