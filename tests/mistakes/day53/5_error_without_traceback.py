import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    async def background_job(data):
        try:
            await process(data)
            log.info("job is done")
        except Exception as e:
            log.error(f"job failed: {e}")

    @app.post("/process", status_code=202)
    async def accept(data: dict, bg: BackgroundTasks):
        bg.add_task(background_job, data)
        return {"status": "accepted"}

    return app
