import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = asyncio.create_task(fetch())
        deadline = time.time() + 2
        while not task.done() and time.time() < deadline:
            time.sleep(0.1)
        if not task.done():
            task.cancel()
            raise HTTPException(504, "timed out")
        try:
            return task.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "failed")

    return app
