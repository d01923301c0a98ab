import asyncio

from fastapi import Depends
from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()
    async def guard():
        try:
            async with asyncio.timeout(2):
                yield
        except TimeoutError:
            raise HTTPException(504, "too slow") from None
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "broken") from None

    @app.get("/external", dependencies=[Depends(guard)])
    async def external():
        return await fetch()

    return app
