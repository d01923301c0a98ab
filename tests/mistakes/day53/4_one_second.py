import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), 1)
        except TimeoutError:
            raise HTTPException(504, "took too long") from None
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "failed") from None

    return app
