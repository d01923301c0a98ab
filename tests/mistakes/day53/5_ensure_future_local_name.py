import asyncio
import logging

from fastapi import FastAPI, status

log = logging.getLogger("day53")


def exercise_5(process):
    app = FastAPI()

    @app.post("/process", status_code=status.HTTP_202_ACCEPTED)
    async def accept(data: dict):
        async def work():
            try:
                await process(data)
            except Exception as exc:
                log.error("could not process", exc_info=exc)
            else:
                log.info("processed")

        task = asyncio.ensure_future(work())
        task.set_name("process")
        return {"status": "accepted"}

    return app
