import asyncio

from fastapi import FastAPI, HTTPException


class Value:
    def __init__(self, value):
        self.value = value


def exercise_4(fetch):
    app = FastAPI()

    @app.get("/external")
    async def external() -> Value:
        try:
            return await asyncio.wait_for(fetch(), timeout=2)
        except TimeoutError:
            raise HTTPException(504, "timeout")
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502, "bad gateway")

    return app
