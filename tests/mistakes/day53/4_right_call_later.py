import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = asyncio.ensure_future(fetch())
        timer = asyncio.get_running_loop().call_later(2, task.cancel)
        try:
            await asyncio.wait([task])
        finally:
            timer.cancel()
        if task.cancelled():
            raise HTTPException(504, "timed out")
        try:
            return task.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "failed") from None

    return app
