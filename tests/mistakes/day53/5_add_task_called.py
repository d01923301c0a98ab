import logging

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def handle(data):
        try:
            await process(data)
            logger.info("processing complete")
        except Exception:
            logger.exception("processing failed")

    @app.post("/process", status_code=202)
    async def post_process(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(handle(data))
        return {"status": "accepted"}

    return app
