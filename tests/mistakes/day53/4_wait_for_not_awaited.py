import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            result = asyncio.wait_for(fetch(), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "timed out")
        except Exception:
            raise HTTPException(502, "failed")
        return {"value": result["value"]}

    return app
