import asyncio

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException


class ServiceFailed(Exception):
    pass


def exercise_4(fetch):
    app = FastAPI()

    @app.exception_handler(TimeoutError)
    async def on_timeout(request, exc):
        return JSONResponse({"detail": "timeout"}, status_code=504)

    @app.exception_handler(ServiceFailed)
    async def on_failure(request, exc):
        return JSONResponse({"detail": "service failed"}, status_code=502)

    @app.get("/external")
    async def external():
        async with asyncio.timeout(2):
            try:
                return await fetch()
            except StarletteHTTPException:
                raise
            except Exception as exc:
                raise ServiceFailed from exc

    return app
