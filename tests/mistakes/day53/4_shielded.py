import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(asyncio.shield(fetch()), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "upstream timed out")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "upstream failed")

    return app
