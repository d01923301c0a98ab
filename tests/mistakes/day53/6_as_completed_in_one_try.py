import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}

        async def named(name, fetch):
            return name, await fetch()

        try:
            for next_one in asyncio.as_completed([named(n, f) for n, f in sources.items()]):
                name, value = await next_one
                results[name] = value
        except Exception as e:
            for name in sources:
                if name not in results:
                    errors[name] = type(e).__name__
        return {"results": results, "errors": errors}

    return app
