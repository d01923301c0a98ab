import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async def begin():
            app.state.cache = await open_cache()

        task = asyncio.create_task(begin())
        yield
        await task
        await app.state.cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value():
        return {"value": await app.state.cache.get()}

    return app
