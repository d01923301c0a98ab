import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = asyncio.create_task(fetch())
        done, pending = await asyncio.wait({task}, timeout=2)
        if pending:
            task.cancel()
            await asyncio.wait({task})
            raise HTTPException(504, "timed out")
        error = task.exception()
        if error is None:
            return task.result()
        if isinstance(error, HTTPException):
            raise error
        raise HTTPException(502, "upstream failure")

    return app
