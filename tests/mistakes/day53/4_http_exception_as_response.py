import asyncio

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), 2)
        except TimeoutError:
            return JSONResponse({"detail": "too late"}, 504)
        except HTTPException as error:
            return JSONResponse({"detail": error.detail}, 502)
        except Exception:
            return JSONResponse({"detail": "failed"}, 502)

    return app
