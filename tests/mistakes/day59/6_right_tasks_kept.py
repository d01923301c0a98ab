import asyncio
import time

from fastapi import FastAPI, HTTPException


def exercise_6(load):
    app = FastAPI()
    tasks = {}

    async def with_moment(name):
        value = await load(name)
        return value, time.time()

    def is_good(task):
        if not task.done():
            return True
        if task.cancelled() or task.exception():
            return False
        return time.time() - task.result()[1] < 10

    @app.get("/feed/{name}")
    async def feed(name: str):
        task = tasks.get(name)
        if task is None or not is_good(task):
            task = tasks[name] = asyncio.ensure_future(with_moment(name))
        await asyncio.wait([task])
        if task.exception() is not None:
            raise HTTPException(502, "cannot load")
        return task.result()[0]

    return app
