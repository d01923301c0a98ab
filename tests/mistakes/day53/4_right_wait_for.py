import asyncio
import logging

from fastapi import FastAPI, HTTPException

logger = logging.getLogger("external")


async def fetch_slowly():
    await asyncio.sleep(1)
    return {"value": 42}


def exercise_4(fetch=fetch_slowly):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=2.0)
        except HTTPException:
            raise
        except asyncio.TimeoutError as exc:
            raise HTTPException(status_code=504, detail="External service timed out") from exc
        except Exception as exc:
            logger.exception("external call failed")
            raise HTTPException(status_code=502, detail="External service error") from exc

    return app
