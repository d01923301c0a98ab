import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")
TASKS = set()


def exercise_5(process):
    app = FastAPI()

    async def work(data):
        try:
            await process(data)
        except Exception:
            log.exception("failed")
        else:
            log.info("done")

    @app.post("/process", status_code=202)
    def accept(data: dict):
        task = asyncio.create_task(work(data))
        TASKS.add(task)
        task.add_done_callback(TASKS.discard)
        return {"status": "accepted"}

    return app
