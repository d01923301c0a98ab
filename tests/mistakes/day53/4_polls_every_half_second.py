import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = asyncio.create_task(fetch())
        start = time.monotonic()
        while not task.done():
            if time.monotonic() - start > 2:
                task.cancel()
                raise HTTPException(504, "timed out")
            await asyncio.wait({task}, timeout=0.5)
        try:
            return task.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "the service failed") from None

    return app
