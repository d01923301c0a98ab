import json
import logging
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

log = logging.getLogger("day53")


def exercise_5(process):
    @asynccontextmanager
    async def lifespan(app):
        async with anyio.create_task_group() as group:
            app.state.group = group
            yield

    app = FastAPI(lifespan=lifespan)

    async def run(data):
        try:
            await process(data)
        except Exception:
            log.warning("gave up", exc_info=True)
        else:
            log.info("done")

    @app.post("/process")
    async def accept(request: Request):
        try:
            data = json.loads(await request.body())
        except ValueError:
            data = None
        if not isinstance(data, dict):
            return JSONResponse({"detail": "a JSON object, please"}, status_code=422)
        app.state.group.start_soon(run, data)
        return JSONResponse({"status": "accepted"}, status_code=202)

    return app
