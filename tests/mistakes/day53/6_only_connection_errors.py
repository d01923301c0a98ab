import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    async def safe(fetch):
        try:
            return await fetch(), None
        except ConnectionError:
            return None, "ConnectionError"

    @app.get("/aggregate")
    async def aggregate():
        pairs = await asyncio.gather(*[safe(f) for f in sources.values()])
        results, errors = {}, {}
        for name, (value, error) in zip(sources, pairs):
            if error:
                errors[name] = error
            else:
                results[name] = value
        return {"results": results, "errors": errors}

    return app
