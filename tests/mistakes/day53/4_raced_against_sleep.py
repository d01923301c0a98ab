import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        fetching = asyncio.create_task(fetch())
        timer = asyncio.create_task(asyncio.sleep(2))
        await asyncio.wait({fetching, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not fetching.done():
            raise HTTPException(504, "too slow")
        timer.cancel()
        if fetching.exception() is None:
            return fetching.result()
        if isinstance(fetching.exception(), HTTPException):
            raise fetching.exception()
        raise HTTPException(502, "broken")

    return app
