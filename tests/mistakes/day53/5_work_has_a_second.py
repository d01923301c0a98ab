import asyncio
import logging

from fastapi import BackgroundTasks, FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    @app.post("/process", status_code=202)
    async def go(data: dict, bg: BackgroundTasks):
        async def work():
            try:
                async with asyncio.timeout(1):
                    await process(data)
                log.info("done")
            except Exception as e:
                log.exception("failed")

        bg.add_task(work)
        return {"status": "accepted"}

    return app
