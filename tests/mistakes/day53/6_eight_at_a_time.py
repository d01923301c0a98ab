import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()
    limit = asyncio.Semaphore(8)

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}

        async def ask(name, fetch):
            async with limit:
                try:
                    results[name] = await fetch()
                except Exception as e:
                    errors[name] = type(e).__name__

        await asyncio.gather(*(ask(n, f) for n, f in sources.items()))
        return {"results": results, "errors": errors}

    return app
