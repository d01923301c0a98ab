import asyncio
import logging

from fastapi import Body, FastAPI

log = logging.getLogger("day53")


async def process_slowly(data):
    await asyncio.sleep(3)


def exercise_5(process=process_slowly):
    app = FastAPI()

    async def work(data):
        try:
            await process(data)
            log.info("processed")
        except Exception:
            log.exception("processing failed")

    @app.post("/process", status_code=202)
    async def accept(data: dict = Body(...)):
        # shield lets the work go on whatever happens to the request
        await asyncio.shield(work(data))
        return {"status": "accepted"}

    return app
