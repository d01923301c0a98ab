import asyncio

from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    async def ask():
        async with asyncio.timeout(2):
            return await call()

    @app.get("/rates")
    async def rates():
        try:
            return await ask()
        except (TimeoutError, ConnectionError):
            pass
        except Exception:
            raise HTTPException(502, "failed")
        try:
            return await ask()
        except TimeoutError:
            raise HTTPException(502, "late")
        except Exception:
            raise HTTPException(502, "failed")

    return app
