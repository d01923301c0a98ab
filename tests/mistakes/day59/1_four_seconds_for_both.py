import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    async def twice():
        try:
            return await call()
        except ConnectionError:
            return await call()

    @app.get("/rates")
    async def rates():
        try:
            async with asyncio.timeout(4):
                return await twice()
        except TimeoutError:
            raise HTTPException(504, "late")
        except Exception:
            raise HTTPException(502, "failed")

    return app
