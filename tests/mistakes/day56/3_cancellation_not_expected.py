import asyncio
import logging
import math
import time
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

log = logging.getLogger("day56")


def exercise_3(poll):
    latest = {}

    async def keep_polling():
        start = time.monotonic()
        due = 0
        while True:
            await asyncio.sleep(start + due - time.monotonic())
            try:
                latest["value"] = await poll()
                latest["at"] = time.monotonic()
            except Exception:
                log.exception("poll failed")
            due = max(due + 5, 5 * math.ceil((time.monotonic() - start) / 5))

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        task = asyncio.create_task(keep_polling())
        try:
            yield
        finally:
            task.cancel()
            await task

    app = FastAPI(lifespan=lifespan)

    @app.get("/latest")
    async def read():
        if not latest:
            raise HTTPException(503, "nothing yet")
        return {"value": latest["value"], "age": time.monotonic() - latest["at"]}

    return app
