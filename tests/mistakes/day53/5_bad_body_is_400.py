import json
import logging

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            log.info("done")
        except Exception:
            log.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(request: Request, background_tasks: BackgroundTasks):
        try:
            data = await request.json()
        except json.JSONDecodeError:
            raise HTTPException(400, "not JSON")
        if not isinstance(data, dict):
            raise HTTPException(400, "not an object")
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
