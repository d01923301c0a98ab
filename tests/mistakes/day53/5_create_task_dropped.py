import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            log.info("processing done")
        except Exception:
            log.exception("processing failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        asyncio.create_task(run(data))
        return {"status": "accepted"}

    return app
