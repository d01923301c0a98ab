import asyncio

from fastapi import FastAPI, HTTPException

RETRIES = 3


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        for attempt in range(RETRIES):
            try:
                return await asyncio.wait_for(fetch(), timeout=2)
            except TimeoutError:
                if attempt == RETRIES - 1:
                    raise HTTPException(504, "gateway timeout")
            except HTTPException:
                raise
            except Exception:
                raise HTTPException(502, "bad gateway")

    return app
