import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            async with asyncio.timeout(2):
                return await fetch()
        except TimeoutError as e:
            raise HTTPException(504, "external service timed out") from e
        except Exception as e:
            raise HTTPException(502, "external service failed") from e

    return app
