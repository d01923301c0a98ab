import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=2)
        except TimeoutError:
            raise HTTPException(status_code=504, detail="Timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(status_code=500, detail="Internal server error")

    return app
