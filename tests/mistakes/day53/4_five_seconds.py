import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(5.0):
                return await fetch()
        except TimeoutError:
            raise HTTPException(status_code=504, detail="External service timed out")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(status_code=502, detail="External service failed")

    return app
