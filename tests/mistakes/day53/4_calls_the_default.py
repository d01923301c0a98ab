import asyncio

from fastapi import FastAPI, HTTPException


async def fetch_slowly():
    await asyncio.sleep(1)
    return {"value": 42}


def exercise_4(fetch=fetch_slowly):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch_slowly()
        except TimeoutError:
            raise HTTPException(504, "too slow")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "the service failed")

    return app
