import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        task = asyncio.create_task(fetch())
        try:
            while not task.done():
                await asyncio.sleep(0.01)
            return task.result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad") from None

    return app
