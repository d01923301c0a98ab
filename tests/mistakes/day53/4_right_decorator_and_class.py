import asyncio
import functools

from fastapi import FastAPI, HTTPException, status
from fastapi.responses import JSONResponse


def guarded(seconds):
    def decorate(function):
        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            cm = asyncio.timeout(seconds)
            try:
                async with cm:
                    return await function(*args, **kwargs)
            except HTTPException as error:
                return JSONResponse({"detail": error.detail}, error.status_code)
            except Exception:
                code = (
                    status.HTTP_504_GATEWAY_TIMEOUT if cm.expired() else status.HTTP_502_BAD_GATEWAY
                )
                return JSONResponse({"detail": "the external service is not available"}, code)

        return wrapper

    return decorate


class External:
    def __init__(self, fetch):
        self.fetch = fetch

    @guarded(seconds=2)
    async def get(self):
        return await self.fetch()


def exercise_4(fetch):
    app = FastAPI()
    app.get("/external")(External(fetch).get)
    return app
