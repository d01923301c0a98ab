import asyncio
import logging
from typing import Any

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger("day53")


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    app = FastAPI()

    async def run_in_background(data: dict[str, Any]) -> None:
        try:
            await process(data)
        except Exception as exc:
            logger.error("processing failed", exc_info=exc)
        else:
            logger.info("processing complete")

    @app.post("/process", status_code=202)
    async def process_endpoint(data: dict[str, Any], background_tasks: BackgroundTasks):
        background_tasks.add_task(run_in_background, data)
        return {"status": "accepted"}

    return app
