import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results = {}
        errors = {}
        lock = asyncio.Lock()

        async def collect(name, fetch):
            async with lock:
                try:
                    results[name] = await fetch()
                except Exception as e:
                    errors[name] = type(e).__name__

        await asyncio.gather(*(collect(n, f) for n, f in sources.items()))
        return {"results": results, "errors": errors}

    return app
