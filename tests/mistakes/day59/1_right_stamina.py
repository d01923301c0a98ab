import asyncio

import stamina
from fastapi import FastAPI, HTTPException


def exercise_1(call):
    app = FastAPI()

    @stamina.retry(
        on=(TimeoutError, ConnectionError),
        attempts=2,
        timeout=None,
        wait_initial=0,
        wait_max=0,
        wait_jitter=0,
    )
    async def ask():
        async with asyncio.timeout(2):
            return await call()

    @app.get("/rates")
    async def rates():
        try:
            return await ask()
        except TimeoutError as error:
            raise HTTPException(504) from error
        except Exception as error:
            raise HTTPException(502) from error

    return app
