import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except ConnectionError:
            raise HTTPException(502, "connection failed")

    return app
