"""A thread with a loop of its own for each request."""

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
        threading.Thread(target=work, args=(data,)).start()
        return {"status": "accepted"}

    return app
