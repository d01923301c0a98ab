import time

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        start = time.monotonic()
        try:
            value = await fetch()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "the service failed")
        if time.monotonic() - start > 2:
            raise HTTPException(504, "the service took too long")
        return value

    return app
