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
        try:
            if name in loading:
                return await asyncio.shield(loading[name])
            future = loading[name] = asyncio.get_running_loop().create_future()
            try:
                value = await load_and_keep(name)
            except Exception as error:
                future.set_exception(error)
                future.exception()
                raise
            except asyncio.CancelledError:
                future.cancel()
                raise
            future.set_result(value)
            return value
        except Exception:
            raise HTTPException(502)

    return app
