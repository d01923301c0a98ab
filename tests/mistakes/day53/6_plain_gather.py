import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        values = await asyncio.gather(*[fetch() for fetch in sources.values()])
        return {"results": dict(zip(sources.keys(), values)), "errors": {}}

    return app
