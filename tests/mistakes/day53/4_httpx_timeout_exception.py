import asyncio

import httpx
from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=2)
        except httpx.TimeoutException:
            raise HTTPException(504, "upstream timeout")
        except (httpx.HTTPError, ConnectionError, ValueError, RuntimeError, LookupError):
            raise HTTPException(502, "upstream error")

    return app
