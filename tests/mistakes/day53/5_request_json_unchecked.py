import logging

from fastapi import BackgroundTasks, FastAPI, Request

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
        data = await request.json()
        background_tasks.add_task(run, data)
        return {"status": "accepted"}

    return app
