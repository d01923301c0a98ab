import asyncio

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel


class External(BaseModel):
    value: int | None = None


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external", response_model=External)
    async def external():
        try:
            return await asyncio.wait_for(fetch(), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
