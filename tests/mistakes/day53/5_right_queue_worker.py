import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI

log = logging.getLogger("day53")
WORKERS = 20


class JobQueue:
    def __init__(self, process):
        self.process = process
        self.queue = asyncio.Queue()
        self.workers = []

    def start(self):
        self.workers = [asyncio.create_task(self.work()) for _ in range(WORKERS)]

    async def work(self):
        while True:
            data = await self.queue.get()
            try:
                await self.process(data)
                log.info("job done")
            except Exception:
                log.exception("job failed")
            finally:
                self.queue.task_done()

    async def drain(self):
        await self.queue.join()
        for worker in self.workers:
            worker.cancel()
        await asyncio.gather(*self.workers, return_exceptions=True)


def exercise_5(process):
    jobs = JobQueue(process)

    @asynccontextmanager
    async def lifespan(app):
        jobs.start()
        yield
        await jobs.drain()

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def accept(data: dict):
        jobs.queue.put_nowait(data)
        return {"status": "accepted"}

    return app
