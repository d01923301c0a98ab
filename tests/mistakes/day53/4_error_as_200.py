import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError:
            return {"error": "timeout", "status": 504}
        except HTTPException:
            raise
        except Exception:
            return {"error": "service failed", "status": 502}

    return app
