import asyncio
import random
from typing import Any

from fastapi import Body, FastAPI, Header, HTTPException


def exercise_2(call, charge):
    app = FastAPI()

    async def once(function, *args):
        async with asyncio.timeout(2):
            return await function(*args)

    async def again(function, *args):
        for attempt in range(4):
            try:
                return await once(function, *args)
            except (TimeoutError, ConnectionError):
                if attempt == 3:
                    raise
            await asyncio.sleep(random.uniform(0, 2**attempt))

    @app.get("/rates")
    async def rates():
        try:
            async with asyncio.timeout(10):
                return await again(call)
        except TimeoutError:
            raise HTTPException(504, "late")
        except Exception:
            raise HTTPException(502, "failed")

    @app.post("/charges")
    async def charges(data: Any = Body(), idempotency_key: str | None = Header(None)):
        try:
            if idempotency_key is None:
                return await once(charge, data)
            async with asyncio.timeout(10):
                return await again(charge, data, idempotency_key)
        except TimeoutError:
            raise HTTPException(504, "late")
        except Exception:
            raise HTTPException(502, "failed")

    return app
