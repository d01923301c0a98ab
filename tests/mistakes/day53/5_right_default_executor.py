"""The default executor, and a loop of its own for each request."""

import asyncio
import logging
import threading

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    def work(data):
        try:
            asyncio.run(process(data))
        except Exception:
            log.exception("processing failed")
        else:
            log.info("processing is done")

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        asyncio.get_running_loop().run_in_executor(None, work, data)
        return {"status": "accepted"}

    return app
