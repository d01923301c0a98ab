import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}

        async def ask(name, fetch):
            try:
                results[name] = await fetch()
            except (ConnectionError, TimeoutError, ValueError, OSError, RuntimeError) as e:
                errors[name] = type(e).__name__

        await asyncio.gather(*(ask(n, f) for n, f in sources.items()))
        return {"results": results, "errors": errors}

    return app
