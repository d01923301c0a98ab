import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_6(load):
    app = FastAPI()
    lock = asyncio.Lock()
    cache = {}

    @app.get("/feed/{name}")
    async def feed(name: str):
        async with lock:
            if name not in cache or time.monotonic() - cache[name][0] >= 10:
                try:
                    cache[name] = None, await load(name)
                except Exception:
                    raise HTTPException(502)
                cache[name] = time.monotonic(), cache[name][1]
            return cache[name][1]

    return app
