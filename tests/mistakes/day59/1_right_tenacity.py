import asyncio

from fastapi import FastAPI, HTTPException
from tenacity import retry, retry_if_exception_type, stop_after_attempt


def exercise_1(call):
    app = FastAPI()

    @retry(
        stop=stop_after_attempt(2),
        retry=retry_if_exception_type((TimeoutError, ConnectionError)),
        reraise=True,
    )
    async def ask():
        return await asyncio.wait_for(call(), timeout=2)

    @app.get("/rates")
    async def rates():
        try:
            return await ask()
        except TimeoutError:
            raise HTTPException(504, "late") from None
        except Exception:
            raise HTTPException(502, "failed") from None

    return app
