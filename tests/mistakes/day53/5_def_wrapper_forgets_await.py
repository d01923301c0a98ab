import logging

from fastapi import BackgroundTasks, FastAPI

logger = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    def run_process(data):
        try:
            process(data)
        except Exception:
            logger.exception("error while processing")
        else:
            logger.info("processing finished")

    @app.post("/process", status_code=202)
    async def accept(data: dict, tasks: BackgroundTasks):
        tasks.add_task(run_process, data)
        return {"status": "accepted"}

    return app
