import asyncio
import logging
from contextlib import asynccontextmanager, suppress

from fastapi import (
    FastAPI,
    HTTPException,
)

log = logging.getLogger("day56")


def exercise_3(poll):
    value, at = None, None

    async def forever():
        nonlocal value, at
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            try:
                value = await poll()
                at = loop.time()
            except Exception:
                log.exception("poll")
            await asyncio.sleep(5 - (loop.time() - began) % 5)

    @asynccontextmanager
    async def lifespan(app):
        task = asyncio.create_task(forever())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app = FastAPI(lifespan=lifespan)

    @app.get("/latest")
    async def get():
        if not value:
            raise HTTPException(503)
        return {"value": value, "age": asyncio.get_running_loop().time() - at}

    return app
