import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Header, HTTPException
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)


def exercise_2(call, charge):
    app = FastAPI()

    async def limited(function, *arguments):
        return await asyncio.wait_for(function(*arguments), 2)

    async def retrying(function, *arguments):
        policy = AsyncRetrying(
            stop=stop_after_attempt(4),
            wait=wait_random_exponential(multiplier=1, max=4),
            retry=retry_if_exception_type((TimeoutError, ConnectionError)),
            reraise=True,
        )
        return await asyncio.wait_for(policy(limited, function, *arguments), 10)

    async def answer(function, *arguments):
        try:
            return await function(*arguments)
        except TimeoutError as error:
            raise HTTPException(504, "late") from error
        except Exception as error:
            raise HTTPException(502, "failed") from error

    @app.get("/rates")
    async def rates():
        return await answer(retrying, call)

    @app.post("/charges")
    async def charges(
        data: dict[str, Any], idempotency_key: Annotated[str | None, Header()] = None
    ):
        if idempotency_key:
            return await answer(retrying, charge, data, idempotency_key)
        return await answer(limited, charge, data)

    return app
