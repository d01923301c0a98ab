import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request

log = logging.getLogger("day53")


def exercise_5(process):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with asyncio.TaskGroup() as tg:
            app.state.tg = tg
            yield

    app = FastAPI(lifespan=lifespan)

    async def work(data):
        try:
            await process(data)
            log.info("done with %s", data)
        except Exception:
            log.exception("failed with %s", data)
            raise

    @app.post("/process", status_code=202)
    async def accept(data: dict, request: Request):
        request.app.state.tg.create_task(work(data))
        return {"status": "accepted"}

    return app
