import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_5(call):
    app = FastAPI()
    failures = 0
    open_until = None
    probing = False

    def failed():
        nonlocal failures, open_until
        failures += 1
        if failures >= 3:
            open_until = time.monotonic() + 30

    @app.get("/quote")
    async def quote():
        nonlocal failures, open_until, probing
        is_probe = open_until is not None
        if is_probe:
            if probing or time.monotonic() < open_until:
                raise HTTPException(503, "open", headers={"Retry-After": "10"})
            probing = True
        try:
            async with asyncio.timeout(1):
                answer = await call()
        except Exception as error:
            if is_probe or open_until is None:
                failed()
            raise HTTPException(504 if isinstance(error, TimeoutError) else 502)
        finally:
            if is_probe:
                probing = False
        if is_probe or open_until is None:
            failures, open_until = 0, None
        return answer

    return app
