import asyncio
import logging

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        task = asyncio.create_task(process(data))
        await asyncio.wait([task])
        logger.info("done")

    @app.post("/process", status_code=202)
    async def accept(data: dict, background: BackgroundTasks):
        background.add_task(run, data)
        return {"status": "accepted"}

    return app
