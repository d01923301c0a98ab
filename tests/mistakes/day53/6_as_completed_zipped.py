import asyncio

from fastapi import FastAPI


def exercise_6(sources):
    app = FastAPI()

    @app.get("/aggregate")
    async def aggregate():
        results, errors = {}, {}
        coros = [fetch() for fetch in sources.values()]
        for name, next_done in zip(sources, asyncio.as_completed(coros)):
            try:
                results[name] = await next_done
            except Exception as e:
                errors[name] = type(e).__name__
        return {"results": results, "errors": errors}

    return app
