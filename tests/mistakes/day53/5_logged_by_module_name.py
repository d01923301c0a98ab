import logging

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger(__name__)


def exercise_5(process):
    app = FastAPI()

    async def run_and_log(data: dict) -> None:
        try:
            await process(data)
        except Exception:
            logger.exception("Processing failed")
        else:
            logger.info("Processing finished")

    @app.post("/process", status_code=202)
    async def start_processing(data: dict, background_tasks: BackgroundTasks):
        background_tasks.add_task(run_and_log, data)
        return {"status": "accepted"}

    return app
