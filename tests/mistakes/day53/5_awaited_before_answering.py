import asyncio
import logging

from fastapi import FastAPI

logger = logging.getLogger("day53")


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    app = FastAPI()

    @app.post("/process", status_code=202)
    async def process_data(data: dict):
        try:
            await process(data)
            logger.info("done")
        except Exception:
            logger.exception("failed")
        return {"status": "accepted"}

    return app
