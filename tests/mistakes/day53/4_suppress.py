import asyncio
from contextlib import suppress

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        result = None
        try:
            with suppress(ConnectionError, OSError, ValueError, RuntimeError, KeyError):
                result = await asyncio.wait_for(fetch(), timeout=2)
        except asyncio.TimeoutError:
            raise HTTPException(504, "timeout")
        return result

    return app
