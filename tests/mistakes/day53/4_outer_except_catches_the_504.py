import asyncio

from fastapi import FastAPI, HTTPException


async def with_timeout(fetch):
    try:
        return await asyncio.wait_for(fetch(), 2)
    except asyncio.TimeoutError:
        raise HTTPException(504, "timeout")


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await with_timeout(fetch)
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
