import asyncio
import time

from fastapi import FastAPI


def exercise_0(fetch_greeting, fetch_name):
    app = FastAPI()

    @app.get("/greeting")
    async def greeting():
        return await fetch_greeting()

    @app.get("/pause")
    async def pause():
        time.sleep(2)
        return "over"

    @app.get("/both")
    async def both():
        return await asyncio.gather(fetch_greeting(), fetch_name())

    return app
