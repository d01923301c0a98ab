import asyncio
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def work(data):
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        asyncio.run(work(data))
        return {"status": "accepted"}

    return app
