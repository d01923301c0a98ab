import asyncio
import random

from fastapi import FastAPI, HTTPException, Request


def exercise_2(call, charge):
    app = FastAPI()

    async def tried(f, *a, n=4):
        try:
            async with asyncio.timeout(10):
                for k in range(n):
                    if k:
                        await asyncio.sleep(random.uniform(0, 2 ** (k - 1)))
                    try:
                        async with asyncio.timeout(1):
                            return await f(*a)
                    except (ConnectionError, TimeoutError) as e:
                        if k == n - 1:
                            raise HTTPException(504 if isinstance(e, TimeoutError) else 502)
        except TimeoutError:
            raise HTTPException(504)
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(502)

    @app.get("/rates")
    async def rates():
        return await tried(call)

    @app.post("/charges")
    async def charges(data: dict, request: Request):
        key = request.headers.get("idempotency-key")
        if key:
            return await tried(charge, data, key)
        return await tried(charge, data, n=1)

    return app
