import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")


async def write_audit(data):
    await asyncio.sleep(0.05)


def exercise_5(process):
    tasks = set()

    @asynccontextmanager
    async def lifespan(app):
        yield
        while tasks:
            await asyncio.wait(tasks)

    app = FastAPI(lifespan=lifespan)

    async def run(data):
        try:
            await process(data)
            log.info("processed")
        except Exception:
            log.exception("not processed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        task = asyncio.create_task(run(data))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await write_audit(data)
        return {"status": "accepted"}

    return app
