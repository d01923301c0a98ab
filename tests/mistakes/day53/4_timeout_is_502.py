import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "the service is not available")

    return app
