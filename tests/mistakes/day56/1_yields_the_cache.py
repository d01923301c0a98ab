from contextlib import asynccontextmanager

from fastapi import FastAPI, Request


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        cache = await open_cache()
        yield cache
        await cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value(request: Request):
        return {"value": await request.state.cache.get()}

    return app
