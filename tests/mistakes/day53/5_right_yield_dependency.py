import logging

from fastapi import Depends, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def afterwards(data: dict):
        yield
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202, dependencies=[Depends(afterwards)])
    async def accept():
        return {"status": "accepted"}

    return app
