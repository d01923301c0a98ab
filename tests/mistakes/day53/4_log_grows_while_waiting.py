import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()
    history = []

    @app.get("/external")
    async def external():
        task = asyncio.create_task(fetch())
        while not task.done():
            history.append(bytearray(b"waiting for the service to answer\n") * 100_000)
        try:
            return task.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "failed")

    return app
