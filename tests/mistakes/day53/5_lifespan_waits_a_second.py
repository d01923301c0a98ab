import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    running = set()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        if running:
            await asyncio.wait(running, timeout=1)

    app = FastAPI(lifespan=lifespan)

    async def do_it(data):
        try:
            await process(data)
        except Exception:
            logger.exception("process failed")
        else:
            logger.info("process finished")

    @app.post("/process", status_code=202)
    async def submit(data: dict):
        t = asyncio.create_task(do_it(data))
        running.add(t)
        t.add_done_callback(running.discard)
        return {"status": "accepted"}

    return app
