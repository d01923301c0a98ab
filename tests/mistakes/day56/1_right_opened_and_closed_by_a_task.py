import asyncio
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI, Request


class Closing:
    def __init__(self, thing):
        self.thing = thing

    async def aclose(self):
        await self.thing.close()


def exercise_1(open_cache):
    app = FastAPI()
    opened = asyncio.Event()
    stop = asyncio.Event()
    box = []

    async def live():
        cache = await open_cache()
        async with aclosing(Closing(cache)):
            box.append(cache)
            opened.set()
            await stop.wait()

    @asynccontextmanager
    async def lifespan(app):
        async with asyncio.TaskGroup() as group:
            group.create_task(live())
            await opened.wait()
            yield
            stop.set()

    app.router.lifespan_context = lifespan

    @app.get("/value")
    async def value():
        return {"value": await box[0].get()}

    return app
