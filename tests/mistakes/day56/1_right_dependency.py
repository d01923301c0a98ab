from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        cache = await open_cache()
        app.state.cache = cache
        yield
        await cache.close()

    app = FastAPI(lifespan=lifespan)

    def the_cache():
        return app.state.cache

    @app.get("/value")
    async def value(cache=Depends(the_cache)):
        return {"value": await cache.get()}

    return app
