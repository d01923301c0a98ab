import asyncio

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        status, result = 200, None
        try:
            result = await asyncio.wait_for(fetch(), 2)
        except asyncio.TimeoutError:
            status = 504
        except HTTPException as error:
            status = error.status_code
        except Exception:
            status = 502
        finally:
            return JSONResponse(result, status)

    return app
