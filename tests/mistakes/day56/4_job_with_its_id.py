import asyncio
import logging
from typing import Any
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

log = logging.getLogger("day56")


def exercise_4(work):
    queue = asyncio.Queue(10)
    jobs = {}

    async def worker():
        while True:
            number, job = await queue.get()
            jobs[number]["state"] = "running"
            try:
                jobs[number]["result"] = await work({"id": number, **job})
                jobs[number]["state"] = "done"
            except Exception:
                log.exception("job %s failed", number)
                jobs[number]["state"] = "failed"
            finally:
                queue.task_done()

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        workers = [asyncio.create_task(worker()) for _ in range(3)]
        yield
        try:
            await asyncio.wait_for(queue.join(), 30)
        except TimeoutError:
            log.warning("gave up")
        for each in workers:
            each.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/jobs", status_code=202)
    async def accept(job: dict):
        number = len(jobs) + 1
        try:
            queue.put_nowait((number, job))
        except asyncio.QueueFull:
            raise HTTPException(503, "full", headers={"Retry-After": "10"})
        jobs[number] = {"state": "waiting", "result": None}
        return {"id": number}

    class State(BaseModel):
        state: str
        result: Any = None

    @app.get("/jobs/{number}", response_model=State)
    async def state(number: int):
        if number not in jobs:
            raise HTTPException(404)
        return jobs[number]

    return app
