from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        yield
        await app.state.cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.on_event("startup")
    async def open_it():
        app.state.cache = await open_cache()

    @app.get("/value")
    async def value():
        return {"value": await app.state.cache.get()}

    return app
