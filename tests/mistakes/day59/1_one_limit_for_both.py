import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    async def ask():
        return await call()

    async def twice():
        try:
            return await ask()
        except ConnectionError:
            return await ask()

    @app.get("/rates")
    async def rates():
        try:
            async with asyncio.timeout(2):
                return await twice()
        except TimeoutError:
            raise HTTPException(504, "late")
        except Exception:
            raise HTTPException(502, "failed")

    return app
