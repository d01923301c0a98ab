import logging

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request

logger = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def run(data):
        try:
            await process(data)
            logger.info("done")
        except Exception:
            logger.exception("failed")

    @app.post("/process", status_code=202)
    async def accept(request: Request, background_tasks: BackgroundTasks):
        try:
            data = await request.json()
        except Exception:
            raise HTTPException(status_code=422, detail="Invalid JSON")
        if not data or not isinstance(data, dict):
            raise HTTPException(status_code=422, detail="Body must be a JSON object")
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
