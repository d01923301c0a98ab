import asyncio
import time

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def exercise_5(check_database, check_cache):
    app = FastAPI()
    task, good_until = None, 0.0

    async def outcome_of(check):
        try:
            await check()
        except Exception:
            return "failed"
        return "ok"

    async def run():
        nonlocal good_until
        try:
            async with asyncio.timeout(1):
                database, cache = await asyncio.gather(
                    outcome_of(check_database), outcome_of(check_cache)
                )
        except TimeoutError:
            database = cache = "late"
        good_until = time.monotonic() + 2
        return {"database": database, "cache": cache}

    @app.get("/live")
    async def live():
        return {}

    @app.get("/ready")
    async def ready():
        nonlocal task
        if task is None or (task.done() and time.monotonic() > good_until):
            task = asyncio.create_task(run())
        found = await asyncio.shield(task)
        return JSONResponse(found, 200 if set(found.values()) == {"ok"} else 503)

    return app
