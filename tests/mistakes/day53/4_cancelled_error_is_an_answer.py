import asyncio
import logging

from fastapi import FastAPI, HTTPException

log = logging.getLogger(__name__)


def exercise_4(fetch):
    app = FastAPI()

    async def fetch_safely():
        try:
            return await fetch()
        except asyncio.CancelledError:
            log.warning("fetch was cancelled")
            return None

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch_safely(), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "gateway timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
