import asyncio
import traceback

from fastapi import FastAPI, HTTPException
from fastapi.responses import JSONResponse


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError:
            return JSONResponse({"error": "timeout"}, 504)
        except HTTPException:
            raise
        except Exception:
            return JSONResponse({"error": "failed", "debug": traceback.format_exc()}, 502)

    return app
