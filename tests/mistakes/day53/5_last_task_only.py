import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    @asynccontextmanager
    async def lifespan(app):
        app.state.task = None
        yield
        if app.state.task:
            await app.state.task

    app = FastAPI(lifespan=lifespan)

    async def run(data):
        try:
            await process(data)
            logger.info("done")
        except Exception:
            logger.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        app.state.task = asyncio.create_task(run(data))
        return {"status": "accepted"}

    return app
