import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()
    background = set()

    async def run(data):
        try:
            await process(data)
        except Exception:
            log.exception("processing failed")
        else:
            log.info("processing done")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(run(data))
        background.add(task)
        task.add_done_callback(background.discard)
        return {"status": "accepted"}

    return app
