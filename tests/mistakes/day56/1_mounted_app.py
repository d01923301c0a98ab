from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        cache = await open_cache()
        app.state.cache = cache
        yield
        await cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value():
        return {"value": await app.state.cache.get()}

    outer = FastAPI()
    outer.mount("/", app)
    return outer
