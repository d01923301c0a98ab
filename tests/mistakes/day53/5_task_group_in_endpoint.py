import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def job(data):
        try:
            await process(data)
        except Exception:
            log.exception("job failed")
        else:
            log.info("job done")

    @app.post("/process", status_code=202)
    async def start(data: dict):
        async with asyncio.TaskGroup() as tg:
            tg.create_task(job(data))
            return {"status": "accepted"}

    return app
