import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_6(load):
    app = FastAPI()
    loading = {}
    cache = {}

    async def load_and_keep(name):
        try:
            value = await load(name)
            cache[name] = (value, time.monotonic())
            return value
        finally:
            del loading[name]

    @app.get("/feed/{name}")
    async def feed(name: str):
        if name in cache:
            value, since = cache[name]
            if time.monotonic() - since < 10:
                return value
        if name not in loading:
            loading[name] = asyncio.create_task(load_and_keep(name))
        try:
            return await asyncio.shield(loading[name])
        except ConnectionError:
            raise HTTPException(502)

    return app
