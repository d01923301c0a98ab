import asyncio

from fastapi import FastAPI, HTTPException


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external():
        done, pending = await asyncio.wait([asyncio.create_task(fetch())], timeout=2)
        if pending:
            raise HTTPException(504, "no answer in time")
        try:
            return done.pop().result()
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "no good answer")

    return app
