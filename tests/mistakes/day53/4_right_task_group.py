import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                async with asyncio.TaskGroup() as tg:
                    task = tg.create_task(fetch())
        except TimeoutError:
            raise HTTPException(504, "no answer in time") from None
        except ExceptionGroup as group:
            expected, _ = group.split(HTTPException)
            if expected:
                raise expected.exceptions[0] from None
            raise HTTPException(502, "no good answer") from None
        return task.result()

    return app
