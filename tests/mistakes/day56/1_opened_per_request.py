from fastapi import FastAPI


def exercise_1(open_cache):
    app = FastAPI()

    @app.get("/value")
    async def value():
        cache = await open_cache()
        try:
            return {"value": await cache.get()}
        finally:
            await cache.close()

    return app
