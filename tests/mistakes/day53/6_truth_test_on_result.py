import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        errors = {}

        async def fetch(name):
            try:
                return await sources[name]()
            except Exception as e:
                errors[name] = type(e).__name__

        values = await asyncio.gather(*[fetch(name) for name in sources])
        results = {name: value for name, value in zip(sources, values) if value}
        return {"results": results, "errors": errors}

    return app
