import asyncio
import logging
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

log = logging.getLogger("day56")


def exercise_4(work):
    jobs = {}
    tasks = set()
    three = asyncio.Semaphore(3)

    async def run(number, job):
        async with three:
            jobs[number]["state"] = "running"
            try:
                jobs[number]["result"] = await work(job)
                jobs[number]["state"] = "done"
            except Exception:
                log.exception("failed")
                jobs[number]["state"] = "failed"

    @asynccontextmanager
    async def lifespan(app):
        yield
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=30)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    app = FastAPI(lifespan=lifespan)

    @app.post("/jobs", status_code=202)
    async def accept(job: dict):
        if len(tasks) >= 13:
            raise HTTPException(503, headers={"Retry-After": "5"})
        number = len(jobs) + 1
        jobs[number] = {"state": "waiting", "result": None}
        task = asyncio.create_task(run(number, job))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await task
        return {"id": number}

    @app.get("/jobs/{number}")
    async def state(number: int):
        if number not in jobs:
            raise HTTPException(404)
        return jobs[number]

    return app
