import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = None
        while True:
            if task is None:
                task = asyncio.create_task(asyncio.wait_for(fetch(), timeout=2))
            if task.done():
                error = task.exception()
                if error is None:
                    return task.result()
                if isinstance(error, HTTPException):
                    raise error
                if isinstance(error, TimeoutError):
                    raise HTTPException(504, "timed out")
            await asyncio.sleep(0)

    return app
