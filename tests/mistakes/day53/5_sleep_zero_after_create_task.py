import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()
    app.state.tasks = set()

    async def work(data):
        try:
            await process(data)
            log.info("work done")
        except Exception:
            log.exception("work failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(work(data))
        app.state.tasks.add(task)
        task.add_done_callback(app.state.tasks.discard)
        await asyncio.sleep(0)
        return {"status": "accepted"}

    return app
