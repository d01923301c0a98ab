import asyncio
import time

from fastapi import FastAPI


def exercise_0(fetch_greeting, fetch_name):
    app = FastAPI()

    @app.get("/greeting")
    async def greeting():
        return await fetch_greeting()

    @app.get("/pause")
    def pause():
        time.sleep(2)
        return "over"

    @app.get("/both")
    async def both():
        async with asyncio.TaskGroup() as group:
            greeting = group.create_task(fetch_greeting())
            name = group.create_task(fetch_name())
        return [greeting.result(), name.result()]

    return app
