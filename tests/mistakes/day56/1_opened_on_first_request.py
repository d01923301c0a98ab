from contextlib import asynccontextmanager

from fastapi import FastAPI


def exercise_1(open_cache):
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.cache = None
        yield
        await app.state.cache.close()

    app = FastAPI(lifespan=lifespan)

    @app.get("/value")
    async def value():
        if app.state.cache is None:
            app.state.cache = await open_cache()
        return {"value": await app.state.cache.get()}

    return app
