import time

from fastapi import FastAPI, HTTPException


def exercise_6(load):
    app = FastAPI()
    cache = {}

    @app.get("/feed/{name}")
    async def feed(name: str):
        if name in cache:
            value, since = cache[name]
            if time.monotonic() - since < 10:
                return value
        try:
            value = await load(name)
        except Exception:
            raise HTTPException(502)
        cache[name] = (value, time.monotonic())
        return value

    return app
