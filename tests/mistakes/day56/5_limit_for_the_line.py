import asyncio
import time

from fastapi import FastAPI, Response


def exercise_5(check_database, check_cache):
    app = FastAPI()
    lock = asyncio.Lock()
    last = None

    async def state_of(check):
        task = asyncio.ensure_future(check())
        try:
            done, _ = await asyncio.wait([task], timeout=1)
        finally:
            task.cancel()
        if not done:
            return "late"
        return "failed" if task.exception() else "ok"

    @app.get("/live")
    def live():
        return "yes"

    @app.get("/ready")
    async def ready(response: Response):
        nonlocal last
        try:
            await asyncio.wait_for(lock.acquire(), 0.5)
        except TimeoutError:
            response.status_code = 503
            return {"database": "late", "cache": "late"}
        try:
            if last is None or time.monotonic() - last[1] >= 2:
                states = await asyncio.gather(state_of(check_database), state_of(check_cache))
                last = dict(zip(("database", "cache"), states)), time.monotonic()
        finally:
            lock.release()
        states = last[0]
        response.status_code = 200 if set(states.values()) == {"ok"} else 503
        return states

    return app
