from fastapi import FastAPI


def exercise_1(open_cache):
    app = FastAPI()

    @app.on_event("startup")
    async def begin():
        app.state.cache = await open_cache()

    @app.on_event("shutdown")
    async def end():
        await app.state.cache.close()

    @app.get("/value")
    async def value():
        return {"value": await app.state.cache.get()}

    return app
