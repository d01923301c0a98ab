import asyncio
import time

from fastapi import FastAPI
from fastapi.responses import JSONResponse


def exercise_5(check_database, check_cache):
    app = FastAPI()
    task = None
    good_until = 0.0

    async def state_of(check):
        try:
            async with asyncio.timeout(1) as limit:
                await check()
        except Exception:
            return "late" if limit.expired() else "failed"
        return "ok"

    async def check_both():
        nonlocal good_until
        database, cache = await asyncio.gather(state_of(check_database), state_of(check_cache))
        good_until = time.monotonic() + 2
        return {"database": database, "cache": cache}

    @app.get("/live")
    async def live():
        return {"status": "alive"}

    @app.get("/ready")
    async def ready():
        nonlocal task, good_until
        if task is None or time.monotonic() >= good_until:
            good_until = time.monotonic() + 3
            task = asyncio.create_task(check_both())
        states = await task
        is_ready = all(state == "ok" for state in states.values())
        return JSONResponse(states, status_code=200 if is_ready else 503)

    return app
