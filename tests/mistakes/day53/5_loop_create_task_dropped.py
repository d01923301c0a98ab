import asyncio
import logging

from fastapi import APIRouter, FastAPI


class Processor:
    def __init__(self, process):
        self.process = process
        self.log = logging.getLogger("day53")

    async def run(self, payload):
        try:
            await self.process(payload)
        except Exception:
            self.log.exception("processing failed")
            return
        self.log.info("processing finished")

    def start(self, payload):
        loop = asyncio.get_running_loop()
        loop.create_task(self.run(payload))


def exercise_5(process):
    processor = Processor(process)
    router = APIRouter()

    @router.post("/process", status_code=202)
    async def accept(payload: dict):
        processor.start(payload)
        return {"status": "accepted"}

    app = FastAPI()
    app.include_router(router)
    return app
