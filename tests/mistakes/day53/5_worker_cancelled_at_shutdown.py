import asyncio
import contextlib
import logging

from fastapi import FastAPI

log = logging.getLogger("day53")


def exercise_5(process):
    jobs: asyncio.Queue[dict] = asyncio.Queue()

    async def worker():
        while True:
            job = await jobs.get()
            try:
                await process(job)
            except Exception:
                log.exception("job failed")
            else:
                log.info("job finished")

    @contextlib.asynccontextmanager
    async def lifespan(_):
        workers = [asyncio.create_task(worker()) for _ in range(20)]
        try:
            yield
        finally:
            for w in workers:
                w.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/process", status_code=202)
    async def enqueue(job: dict):
        jobs.put_nowait(job)
        return {"status": "accepted"}

    return app
