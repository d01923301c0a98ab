import functools

from fastapi import FastAPI, HTTPException


def exercise_6(load):
    app = FastAPI()

    @functools.lru_cache
    def cached(name):
        return load(name)

    @app.get("/feed/{name}")
    async def feed(name: str):
        try:
            return await cached(name)
        except ConnectionError:
            raise HTTPException(502)

    return app
