import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        with asyncio.timeout(2):
            try:
                return await fetch()
            except TimeoutError:
                raise HTTPException(504, "timed out")

    return app
