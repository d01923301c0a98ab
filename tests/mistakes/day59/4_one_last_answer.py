import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_4(primary, replica):
    app = FastAPI()
    cache = {}

    @app.get("/profile/{id}")
    async def profile(id: int):
        for source, find in (("primary", primary), ("replica", replica)):
            try:
                async with asyncio.timeout(1):
                    found = await find(id)
            except LookupError:
                raise HTTPException(404)
            except Exception:
                continue
            cache.clear()
            cache[0] = (found, time.monotonic())
            if len(cache) > 1000:
                del cache[next(iter(cache))]
            return {"profile": found, "source": source, "age": 0}
        if cache:
            found, since = cache[0]
            age = time.monotonic() - since
            if age <= 60:
                return {"profile": found, "source": "cache", "age": age}
        raise HTTPException(503)

    return app
