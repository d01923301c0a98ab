import asyncio

from fastapi import FastAPI, HTTPException


class Feed:
    def __init__(self, load, name):
        self.task = asyncio.create_task(self.run(load, name))
        self.until = None

    async def run(self, load, name):
        value = await load(name)
        self.until = asyncio.get_running_loop().time() + 10
        return value

    def good(self):
        if not self.task.done():
            return True
        return self.task.exception() is None and asyncio.get_running_loop().time() < self.until


def exercise_6(load):
    feeds = {}
    app = FastAPI()

    @app.get("/feed/{name}")
    async def feed(name: str):
        one = feeds.get(name)
        if one is None or not one.good():
            feeds.clear()
            one = feeds[name] = Feed(load, name)
        try:
            return await asyncio.shield(one.task)
        except Exception:
            if feeds.get(name) is one:
                del feeds[name]
            raise HTTPException(502) from None

    return app
