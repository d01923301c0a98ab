import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    @asynccontextmanager
    async def lifespan(app):
        app.state.tasks = set()
        yield
        await asyncio.gather(*app.state.tasks)

    app = FastAPI(lifespan=lifespan)

    async def run():
        try:
            await process(app.state.data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        app.state.data = data
        task = asyncio.create_task(run())
        app.state.tasks.add(task)
        task.add_done_callback(app.state.tasks.discard)
        return {"status": "accepted"}

    return app
