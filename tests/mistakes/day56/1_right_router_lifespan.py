from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app):
        cache = await open_cache()
        yield {"cache": cache}
        await cache.close()

    router = APIRouter(lifespan=lifespan)

    @router.get("/value")
    async def value(request: Request):
        return {"value": await request.state.cache.get()}

    app = FastAPI()
    app.include_router(router)
    return app
