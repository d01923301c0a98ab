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
            return await asyncio.wait_for(fetch(), timeout=2.0)
        except asyncio.TimeoutError:
            raise HTTPException(status_code=504, detail="Request timed out")
        except HTTPException:
            raise
        except Exception as e:
            raise HTTPException(status_code=502, detail=str(e))

    return app
