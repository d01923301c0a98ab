import asyncio

from fastapi import FastAPI, HTTPException

TIMEOUT_MS = 2000


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=TIMEOUT_MS)
        except asyncio.TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "error")

    return app
