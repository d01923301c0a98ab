import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        async with asyncio.timeout(2):
            try:
                return await fetch()
            except TimeoutError:
                raise HTTPException(504, "timed out")
            except HTTPException:
                raise
            except Exception:
                raise HTTPException(502, "failed")

    return app
