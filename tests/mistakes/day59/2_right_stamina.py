import asyncio
import random

import stamina
from fastapi import FastAPI, Header, HTTPException


def exercise_2(call, charge):
    app = FastAPI()

    async def with_retries(function, *arguments):
        longest = [1, 2, 4]

        def pause(error):
            if not isinstance(error, (TimeoutError, ConnectionError)):
                return False
            return random.uniform(0, longest.pop(0)) if longest else True

        async for attempt in stamina.retry_context(on=pause, attempts=4, timeout=None):
            with attempt:
                async with asyncio.timeout(2):
                    return await function(*arguments)

    async def answer_of(coroutine, seconds):
        try:
            return await asyncio.wait_for(coroutine, seconds)
        except TimeoutError:
            raise HTTPException(504)
        except Exception:
            raise HTTPException(502)

    @app.get("/rates")
    async def rates():
        return await answer_of(with_retries(call), 10)

    @app.post("/charges")
    async def charges(data: dict, idempotency_key: str = Header("")):
        if idempotency_key:
            return await answer_of(with_retries(charge, data, idempotency_key), 10)
        return await answer_of(charge(data), 2)

    return app
